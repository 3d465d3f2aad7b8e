//! Debian's snmpd: every counter of every interface lies between an `snmpget` before and one after.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use farwatch_agent::poll::plan::Plan;
use farwatch_agent::poll::{Observation, SnmpVersion};
use farwatch_common::clock::Clock;
use farwatch_common::sample::{Column, Group, Row, Schema};
use farwatch_support::snmpd::{COMMUNITY, Snmpd, program};

use super::faults::{Polling, start, target};

/// The object a column is read from, dotted.
fn instance(column: &Column) -> String {
    let plan = Plan::standard();
    let metric = plan.table.metrics.iter().find(|metric| metric.name == column.metric).unwrap();
    let (oid, _) = metric.sources.iter().find(|(_, kind)| *kind == column.kind).unwrap();
    let index = column.object.strip_prefix("if:").unwrap();
    oid.iter().fold(String::new(), |text, arc| format!("{text}.{arc}")) + "." + index
}

/// Object to value, by net-snmp's own client.
fn snmpget(address: SocketAddr, version: &str, columns: &[Column]) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for some in columns.chunks(40) {
        let output = Command::new("snmpget")
            .args(["-v", version, "-c", COMMUNITY, "-On", "-Oq", "-Oe", "-t", "5"])
            .arg(format!("udp:{address}"))
            .args(some.iter().map(instance))
            .env("MIBS", "")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let (oid, value) = line.split_once(' ').unwrap();
            found.insert(oid.to_owned(), value.trim().parse().unwrap());
        }
    }
    found
}

/// The next row of interfaces.
async fn table(polling: &mut Polling) -> (Row, Arc<Schema>) {
    loop {
        match polling.observations.recv().await.unwrap() {
            Observation::Row { row, schema } => {
                assert_eq!(row.cause, None);
                if row.group == Group::Interfaces {
                    return (row, schema);
                }
            }
            Observation::Event(_) => {}
        }
    }
}

async fn every_counter_lies_between(version: SnmpVersion, name: &str) {
    let Some(program) = program() else {
        assert!(std::env::var_os("CI").is_none(), "snmpd is not installed");
        println!("skipped: snmpd is not installed");
        return;
    };
    let snmpd = Snmpd::start(program).await.unwrap();
    let mut polling = start(vec![target(1, snmpd.address, version, COMMUNITY)], 64);
    let (_, schema) = table(&mut polling).await;
    assert!(schema.columns.iter().any(|column| column.metric == "if_in_octets_total"));
    let before = snmpget(snmpd.address, name, &schema.columns);
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
    let after = snmpget(snmpd.address, name, &schema.columns);
    assert_eq!(row.values.len(), before.len());
    for (column, value) in schema.columns.iter().zip(&row.values) {
        let oid = instance(column);
        let value = value.unwrap().cast_unsigned();
        assert!(
            (before[&oid]..=after[&oid]).contains(&value),
            "{column:?}: {value} is not in {}..={}",
            before[&oid],
            after[&oid]
        );
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
