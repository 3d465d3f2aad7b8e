//! Debian's snmpd: every counter of every interface lies between an `snmpget` before and one after.

use std::net::SocketAddr;
use std::sync::Arc;

use farwatch_agent::poll::{Observation, SnmpVersion, Target};
use farwatch_common::clock::Clock;
use farwatch_common::sample::{Column, Group, Row, Schema};
use farwatch_support::snmpd::{COMMUNITY, Snmpd};

use super::faults::{Polling, start, target};
use crate::snmpd::{instance, program, snmpget};

/// The next row of interfaces.
async fn table(polling: &mut Polling) -> (Row, Arc<Schema>) {
    loop {
        match polling.observations.recv().await.unwrap() {
            Observation::Row { row, schema } => {
                if row.group == Group::Interfaces {
                    assert_eq!(row.cause, None);
                    return (row, schema);
                }
            }
            Observation::Event(_) | Observation::Ended(_) => {}
        }
    }
}

fn object(column: &Column) -> String {
    instance(&column.metric, Some(column.kind), &column.object)
}

async fn every_counter_lies_between(version: SnmpVersion, name: &str) {
    let Some(program) = program() else { return };
    let snmpd = Snmpd::start(program).await.unwrap();
    lies_between(target(1, snmpd.address, version, COMMUNITY), snmpd.address, name).await;
}

/// Polls snmpd as `asked` and compares with what its own client reads by a community.
pub(super) async fn lies_between(asked: Target, address: SocketAddr, version: &str) {
    let mut polling = start(vec![asked], 64);
    let (_, schema) = table(&mut polling).await;
    assert!(schema.columns.iter().any(|column| column.metric == "if_in_octets_total"));
    let objects: Vec<String> = schema.columns.iter().map(object).collect();
    let before = snmpget(address, version, &objects);
    let asked_at = Clock::system().now();
    // A row that was on its way while the counters were read does not count.
    let mut fresh = 0;
    let row = loop {
        let (row, again) = table(&mut polling).await;
        assert_eq!(again.id(), schema.id());
        fresh += u32::from(row.at > asked_at);
        if fresh == 2 {
            break row;
        }
    };
    let after = snmpget(address, version, &objects);
    assert_eq!(row.values.len(), before.len());
    for ((column, oid), value) in schema.columns.iter().zip(&objects).zip(&row.values) {
        let value = value.unwrap().cast_unsigned();
        let between = before[oid]..=after[oid];
        assert!(between.contains(&value), "{column:?}: {value} is not in {between:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_by_v2c() {
    every_counter_lies_between(SnmpVersion::V2c, "2c").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_by_v1() {
    every_counter_lies_between(SnmpVersion::V1, "1").await;
}
