//! What is written by changes is a sound chain, and what is done to it behind our back is named.

use farwatch_common::clock::Micros;

use super::*;
use crate::audit::chain::Finding;
use crate::audit::list::{AuditCursor, AuditFilter, audit_list};
use crate::audit::{Change, INSTALLATION};
use crate::identity::tenancy::Actor;
use crate::identity::{Access, IdentityKey};
use crate::store::fixture::{OTHER_TENANT, PostgresWorld, TENANT, World};

fn admin() -> TenantContext {
    let tenants = [(TENANT, Access::Admin), (OTHER_TENANT, Access::Admin)];
    TenantContext::of(Actor::Local, true, tenants)
}

/// Six changes in one chain, one in the installation's.
async fn fill(db: &Database) {
    for at in 1..=6 {
        let txn = db.change(&admin(), TENANT, Access::Admin).await.unwrap();
        let change = Change::new("device", "create", at, &format!("r{at}"));
        let change = change.after(serde_json::json!({ "host": "192.0.2.1", "=x": 1 }));
        txn.commit([change], Micros(at)).await.unwrap();
    }
    let txn = db.installation_change(IdentityKey::of_a_test(), &admin()).await.unwrap();
    txn.commit([Change::new("user", "create", 9, "noc@example.net")], Micros(7)).await.unwrap();
}

async fn walk(db: &Database, tenant: TenantId, witness: Option<Head>) -> Verified {
    audit_verify(db, &admin().for_audit(), tenant, witness).await.unwrap()
}

async fn changes_make_a_sound_chain(db: &Database) {
    fill(db).await;
    for (tenant, seq) in [(TENANT, 6), (INSTALLATION, 1), (OTHER_TENANT, 0)] {
        let verified = walk(db, tenant, None).await;
        assert!(verified.is_sound(), "{verified:?}");
        assert_eq!(verified.head.seq, seq);
    }
    // A change that is not kept leaves no row.
    drop(db.change(&admin(), TENANT, Access::Admin).await.unwrap());
    assert_eq!(walk(db, TENANT, None).await.head.seq, 6);
    // The list has the newest first; nobody sees the chain of another tenant.
    let filter = AuditFilter {
        action: "device".to_owned(),
        search: "R3".to_owned(),
        from: Micros(0),
        to: Micros(100),
    };
    let all = AuditFilter { action: String::new(), search: String::new(), ..filter.clone() };
    let list = async |context: &TenantContext, filter: &AuditFilter, after| {
        let rows = audit_list(db, context, filter, after, 3).await.unwrap();
        rows.iter().map(|row| row.entry.object_name.clone()).collect::<Vec<_>>()
    };
    let (context, newest) = (admin().for_audit(), AuditCursor::NEWEST);
    assert_eq!(list(&context, &filter, newest).await, ["r3"]);
    assert_eq!(list(&context, &all, newest).await, ["noc@example.net", "r6", "r5"]);
    let after = AuditCursor { at: Micros(5), tenant: TENANT, seq: 5 };
    assert_eq!(list(&context, &all, after).await, ["r4", "r3", "r2"]);
    let other = TenantContext::of(Actor::Local, false, [(OTHER_TENANT, Access::Admin)]);
    assert!(list(&other.for_audit(), &all, newest).await.is_empty());
    let viewer = TenantContext::of(Actor::Local, false, [(TENANT, Access::Read)]);
    assert!(list(&viewer.for_audit(), &all, newest).await.is_empty());
}

/// What somebody does who can write the tables, and what the walk says of it.
const TAMPERED: [(&str, &str); 6] = [
    ("UPDATE audit SET actor_name = 'nobody' WHERE tenant_id = 1 AND seq = 3", "row 3 was changed"),
    ("DELETE FROM audit WHERE tenant_id = 1 AND seq = 3", "row 3 is missing"),
    ("DELETE FROM audit WHERE tenant_id = 1 AND seq = 6", "went to row 6, the rows end with 5"),
    (
        "UPDATE audit SET seq = 99 WHERE tenant_id = 1 AND seq = 2;
         UPDATE audit SET seq = 2 WHERE tenant_id = 1 AND seq = 4;
         UPDATE audit SET seq = 4 WHERE tenant_id = 1 AND seq = 99",
        "row 2 was written as row 4",
    ),
    (
        "INSERT INTO audit SELECT tenant_id, 7, at, actor_kind, actor_id, actor_name, address,
         action, object_kind, object_id, object_name, before, after, request_id, hash
         FROM audit WHERE tenant_id = 1 AND seq = 6",
        "row 7 was",
    ),
    ("UPDATE audit_head SET seq = 4 WHERE tenant_id = 1", "went to row 4, but there are rows"),
];

async fn named(db: &Database, expected: &str) {
    let verified = walk(db, TENANT, None).await;
    assert!(!verified.is_sound());
    let told: Vec<String> = verified.report.findings.iter().map(Finding::to_string).collect();
    assert!(told.iter().any(|line| line.contains(expected)), "{expected}: {told:?}");
    assert!(walk(db, INSTALLATION, None).await.is_sound());
}

#[tokio::test]
async fn sqlite_keeps_a_sound_chain() {
    changes_make_a_sound_chain(&World::open().await.database).await;
}

#[tokio::test]
async fn postgres_keeps_a_sound_chain() {
    let Some(world) = PostgresWorld::open().await else { return };
    changes_make_a_sound_chain(&world.database).await;
    world.remove().await;
}

#[tokio::test]
async fn sqlite_names_what_was_tampered_with() {
    for (tamper, expected) in TAMPERED {
        let world = World::open().await;
        fill(&world.database).await;
        world.run("DROP TRIGGER audit_stays; DROP TRIGGER audit_stays_unchanged").await;
        world.run(tamper).await;
        named(&world.database, expected).await;
    }
}

#[tokio::test]
async fn postgres_names_what_was_tampered_with() {
    for (tamper, expected) in TAMPERED {
        let Some(world) = PostgresWorld::open().await else { return };
        fill(&world.database).await;
        world.run("ALTER TABLE farwatch.audit DISABLE TRIGGER audit_stays").await;
        world.run(tamper).await;
        named(&world.database, expected).await;
        world.remove().await;
    }
}

#[tokio::test]
async fn a_chain_made_anew_is_told_by_a_head_noted_elsewhere() {
    let (world, forged) = (World::open().await, World::open().await);
    fill(&world.database).await;
    let noted = walk(&world.database, TENANT, None).await.head;
    fill(&world.database).await;
    assert!(walk(&world.database, TENANT, Some(noted)).await.is_sound());
    for _ in 0..2 {
        let txn = forged.database.change(&admin(), TENANT, Access::Admin).await.unwrap();
        let changes = (1..5).map(|id| Change::new("device", "delete", id, "r"));
        txn.commit(changes, Micros(1)).await.unwrap();
    }
    let verified = walk(&forged.database, TENANT, Some(noted)).await;
    assert!(verified.report.is_sound() && !verified.is_sound());
}

#[tokio::test]
async fn changes_at_once_make_one_chain() {
    let world = World::open().await;
    let mut engines = vec![world.database.clone()];
    let postgres = PostgresWorld::open().await;
    engines.extend(postgres.as_ref().map(|world| world.database.clone()));
    for db in engines {
        let change = async |id| {
            let txn = db.change(&admin(), TENANT, Access::Admin).await.unwrap();
            txn.commit([Change::new("device", "create", id, "r")], Micros(id)).await.unwrap();
        };
        futures_util::future::join_all((0..20).map(change)).await;
        let verified = walk(&db, TENANT, None).await;
        assert!(verified.is_sound() && verified.head.seq == 20, "{verified:?}");
    }
    if let Some(world) = postgres {
        world.remove().await;
    }
}
