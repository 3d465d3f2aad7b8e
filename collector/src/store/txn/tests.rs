//! What a transaction allows, on SQLite; what the server adds is in `postgres`.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::Poll;

use super::*;
use crate::identity::Actor;
use crate::store::fixture::{OTHER_TENANT, TENANT, World};
use crate::store::sql::sql;

mod postgres;

sql! { RENAME = "UPDATE tenant SET name = $2 WHERE tenant_id = $1" }
sql! { ADD = "INSERT INTO tenant (tenant_id, name, created_at) VALUES ($1, $2, 0)" }
// Busy for a while: no answer comes before somebody asks for it.
sql! { RENAME_SLOWLY =
    "UPDATE tenant SET name = (WITH RECURSIVE n(i) AS
        (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT COUNT(*) FROM n)"
}
sql! { NAME = "SELECT name FROM tenant WHERE tenant_id = $1" }

fn caller(access: Access) -> TenantContext {
    TenantContext::of(Actor::Local, false, [(TENANT, access)])
}

async fn name(database: &Database) -> String {
    let mut txn = database.read(&caller(Access::Read)).await.unwrap();
    NAME.bind(TENANT).scalar(&mut txn).await.unwrap()
}

#[tokio::test]
async fn a_change_is_kept_when_it_is_committed() {
    let World { database, .. } = &World::open().await;
    for commit in [false, true] {
        let mut write =
            database.change(&caller(Access::Write), TENANT, Access::Write).await.unwrap();
        let touched = RENAME.bind(write.tenant()).bind("new").execute(&mut write).await.unwrap();
        assert_eq!(touched, 1);
        if commit {
            write.commit([], Micros(0)).await.unwrap();
        } else {
            drop(write);
        }
        assert_eq!(name(database).await, if commit { "new" } else { "one" });
    }
}

#[tokio::test]
async fn a_change_wants_access_and_tells_no_tenant_from_none() {
    let World { database, .. } = &World::open().await;
    let refused = async |access, tenant, wanted| {
        database.change(&caller(access), tenant, wanted).await.err().unwrap()
    };
    let denied = refused(Access::Read, TENANT, Access::Write).await;
    assert!(matches!(denied, AccessError::Denied));
    for tenant in [OTHER_TENANT, TenantId(99)] {
        let unknown = refused(Access::Admin, tenant, Access::Read).await;
        assert!(matches!(unknown, AccessError::NotFound));
    }
}

#[tokio::test]
async fn nothing_of_a_failed_transaction_is_kept() {
    let World { database, .. } = &World::open().await;
    let mut txn = database.identity(IdentityKey::of_a_test()).await.unwrap();
    RENAME.bind(TENANT).bind("new").execute(&mut txn).await.unwrap();
    // Somebody swallows this.
    let repeated = ADD.bind(TENANT).bind("again").execute(&mut txn).await.unwrap_err();
    assert!(repeated.is_unique_violation() && repeated.is_of_the_row());
    let next = RENAME.bind(TENANT).bind("newer").execute(&mut txn).await;
    assert!(matches!(next, Err(StoreError::Aborted)));
    let switched = txn.switch(IdentityKey::of_a_test(), Scope::app(TENANT)).await;
    assert!(matches!(switched, Err(StoreError::Aborted)));
    assert!(matches!(txn.commit().await, Err(StoreError::Aborted)));
    assert_eq!(name(database).await, "one");
}

#[tokio::test]
async fn a_statement_that_was_cut_short_has_failed() {
    let World { database, .. } = &World::open().await;
    let mut txn = database.identity(IdentityKey::of_a_test()).await.unwrap();
    {
        let mut statement = pin!(RENAME_SLOWLY.query().execute(&mut txn));
        poll_fn(|context| {
            assert!(statement.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
    }
    assert!(matches!(txn.commit().await, Err(StoreError::Aborted)));
    assert_eq!(name(database).await, "one");
}

#[tokio::test]
async fn readers_cannot_write() {
    let World { database, .. } = &World::open().await;
    let tenants = BTreeSet::from([TENANT]);
    let readers = [
        database.read(&caller(Access::Admin)).await,
        database.identity_read(IdentityKey::of_a_test()).await,
        database.ingest_read(IngestKey::of_a_test(), &tenants).await,
    ];
    for reader in readers {
        let mut txn = reader.unwrap();
        assert!(RENAME.bind(TENANT).bind("new").execute(&mut txn).await.is_err());
    }
    assert_eq!(name(database).await, "one");
}

#[tokio::test]
async fn a_reader_sees_one_snapshot() {
    let World { database, .. } = &World::open().await;
    let mut reader = database.read(&caller(Access::Read)).await.unwrap();
    let before: String = NAME.bind(TENANT).scalar(&mut reader).await.unwrap();
    let mut write = database.change(&caller(Access::Write), TENANT, Access::Write).await.unwrap();
    RENAME.bind(TENANT).bind("new").execute(&mut write).await.unwrap();
    write.commit([], Micros(0)).await.unwrap();
    let after: String = NAME.bind(TENANT).scalar(&mut reader).await.unwrap();
    assert_eq!((before.as_str(), after.as_str()), ("one", "one"));
    drop(reader);
    assert_eq!(name(database).await, "new");
}

#[tokio::test]
async fn a_transaction_says_who_it_acts_as() {
    let World { database, .. } = &World::open().await;
    let tenants = BTreeSet::from([TENANT, OTHER_TENANT]);
    let txn = database.ingest(IngestKey::of_a_test(), &tenants).await.unwrap();
    assert_eq!((txn.scope().role(), txn.scope().tenants_array().as_str()), (Role::Ingest, "{1,2}"));
    drop(txn);
    let mut txn = database.identity(IdentityKey::of_a_test()).await.unwrap();
    assert_eq!(txn.scope().tenants_array(), "{}");
    txn.switch(IdentityKey::of_a_test(), Scope::app(TENANT)).await.unwrap();
    assert_eq!(*txn.scope(), Scope::app(TENANT));
}
