//! A backlog as a long outage leaves it, written into an agent's buffer by the buffer's own code, in seconds.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use farwatch_agent::buffer::{self, BufferConfig};
use farwatch_agent::identity;
use farwatch_agent::poll::{Observation, outlet};
use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Column, Group, MetricKind, Row, Schema, Unit};

use crate::bench::site::system;

/// One value of one interface: the number of the row, as an oracle would answer.
#[must_use]
pub fn schema() -> Arc<Schema> {
    let column = Column {
        object: "if:1".into(),
        metric: "if_in_octets_total".into(),
        kind: MetricKind::Counter64,
        unit: Unit::Bytes,
        exponent: 0,
    };
    Arc::new(Schema { group: Group::Interfaces, columns: vec![column] })
}

/// No router here has answered as often.
pub const FIRST: i64 = 1_000_000;
/// How long every device of a backlog says that it has been up, in hundredths of a second: longer than any.
const UPTIME: i64 = 100_000_000_000;

/// Writes two batches for each of `times`, oldest first, into the buffer of an agent that does not run: a row of
/// an interface of `device`, numbered from [`FIRST`], and one that says how long it has been up.
pub async fn write(state_dir: &Path, device: DeviceId, times: &[Micros]) {
    let agent = identity::load(state_dir).unwrap().expect("the agent is enrolled").agent;
    let config = BufferConfig {
        // Each row closes its batch.
        batch_age: Duration::ZERO,
        ..BufferConfig::new(state_dir.to_owned(), agent, None)
    };
    let (outlet, observed) = outlet::channel(buffer::OBSERVATIONS_MAX);
    let (buffer, stopped) = buffer::start(config, observed, Clock::system()).unwrap();
    let mut state = buffer.state();
    let (counters, gauges) = (schema(), Arc::new(system()));
    for (number, at) in (FIRST..).zip(times) {
        let rows = [(&counters, vec![Some(number)]), (&gauges, vec![Some(1), Some(UPTIME)])];
        for (schema, values) in rows {
            let row = Row {
                device,
                group: schema.group,
                schema: schema.id(),
                at: *at,
                cause: None,
                values,
            };
            let before = state.borrow_and_update().next_seq;
            let row = Observation::Row { row, schema: Arc::clone(schema) };
            assert!(outlet.send(row).await, "the buffer takes rows");
            state.wait_for(|state| state.next_seq > before).await.unwrap();
        }
    }
    drop((outlet, buffer));
    stopped.wait().await.unwrap();
}
