//! Doctor: finds what keeps this agent from its work, and says what to do about it.
//!
//! It looks and tries, and changes nothing. It works beside a running agent and without one: to a
//! collector it opens connections that carry no session, so the running agent's goes on. One at a time,
//! as a collector holds two connections of an agent.

mod clock;
mod local;
mod network;
mod report;

use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::task::chain;

pub use self::report::{Check, Report, Verdict};
use crate::config::AgentConfig;
use crate::identity;
use crate::status::Status;
use crate::uplink::Proxies;

/// No check of the network goes on for longer.
pub const NETWORK_LIMIT: Duration = Duration::from_secs(12);
/// Most collectors looked at; an identity names a handful.
const COLLECTORS_MAX: usize = 8;

/// Runs all checks: what is of this host, then the network, all collectors at once.
pub async fn examine(config: &AgentConfig, clock: &Clock) -> Report {
    let now = clock.now();
    let dir = &config.state_dir;
    let status = Status::of(config, now).ok();
    let running = status.and_then(|status| status.running);
    let credentials = identity::load(dir).map_err(|error| chain(&error));
    let mut checks = vec![local::state(dir), local::enrolment(&credentials, running.is_some())];
    let credentials = credentials.ok().flatten();
    checks.push(local::certificate(credentials.as_ref(), now));
    checks.extend(local::copy(running.as_ref()));
    match credentials {
        Some(credentials) => {
            let proxies = Proxies::new(config.uplink.proxy.clone());
            let collectors = credentials.collectors.iter().take(COLLECTORS_MAX);
            let visits = collectors.map(|collector| {
                let deadline = tokio::time::Instant::now() + NETWORK_LIMIT;
                network::visit(collector, &credentials, &proxies, clock, deadline)
            });
            let mut clocks = Vec::new();
            for visit in futures_util::future::join_all(visits).await {
                checks.extend(visit.checks);
                clocks.push(visit.clock);
            }
            checks.push(clock::check(clock::told(running.as_ref()), clocks));
        }
        None => {
            let names = ["dns", "udp", "tcp", "proxy", "clock"];
            let unknown = "no collector is known before the enrolment";
            checks.extend(names.map(|name| Check::skipped(name, unknown)));
        }
    }
    checks.push(local::icmp());
    checks.push(local::disk(config));
    Report::new(checks)
}
