use std::collections::BTreeSet;

use super::*;
use crate::store::fixture::World;
use crate::store::txn::{Mode, Scope};

sql! { UNNAME = "UPDATE device SET named = 0, name = host WHERE device_id = 100" }
sql! { NAMES = "SELECT name FROM device WHERE device_id IN (100, 101) ORDER BY device_id" }

#[tokio::test]
async fn a_device_without_a_given_name_has_the_one_it_gives_itself() {
    let world = World::open().await;
    let scope = Scope::ingest(BTreeSet::from([TenantId(1)]));
    let txn = &mut world.database.begin(Mode::Write, scope).await.unwrap();
    UNNAME.query().execute(txn).await.unwrap();
    for (second, (sys_name, name)) in
        [("", "192.0.2.1"), (" gw-1 ", "gw-1"), ("gw\n2", "gw-1"), ("gw-3", "gw-3")]
            .into_iter()
            .enumerate()
    {
        let at = Micros(i64::try_from(second).unwrap() * Micros::SECOND);
        for device_id in [100, 101] {
            let sys_name = sys_name.to_owned();
            let facts = DeviceFacts { device_id, sys_name, ..DeviceFacts::default() };
            device_facts_store(txn, TenantId(1), AgentId(10), at, &facts).await.unwrap();
        }
        let names = NAMES.query().all(txn).await.unwrap();
        let names: Vec<String> = names.iter().map(|row| row.get(0).unwrap()).collect();
        assert_eq!(names, [name, "r2"]);
    }
}
