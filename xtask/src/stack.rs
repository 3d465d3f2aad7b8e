//! A small Farwatch on this machine: a collector on SQLite, five simulated routers, an agent that
//! polls them over real UDP and streams over real QUIC. The e2e tests run it, and `./x demo --small`.
//!
//! Everything it makes is in one folder, and each thing is made once: bringing the same folder up
//! again resumes the same identity, user, devices and data.

pub(crate) mod place;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use self::place::{Place, READY_WITHIN};
use crate::Result;
use crate::cmd::note;
use crate::http::Client;
use crate::json::{Json, quote};
use crate::services::Services;

pub(crate) const EMAIL: &str = "demo@farwatch.example";
const TENANT: &str = "Demo ISP";
const SITE: &str = "Depot";
const ROUTERS: usize = 5;
const INTERVAL_S: u32 = 10;

const LOOK_EVERY: Duration = Duration::from_millis(100);
const SAMPLES_WITHIN: Duration = Duration::from_secs(90);

pub(crate) struct Stack {
    services: Services,
    pub(crate) url: String,
    pub(crate) password: String,
}

/// Where a stack lives and what it runs.
pub(crate) struct Settings {
    pub(crate) folder: PathBuf,
    pub(crate) binaries: PathBuf,
    pub(crate) http: SocketAddr,
}

/// A simulated router, as `farwatch-sim` names it.
#[derive(Debug, PartialEq, Eq)]
struct Router {
    name: String,
    address: String,
    community: String,
}

impl Stack {
    /// Returns once every router has a sample taken by this run.
    pub(crate) fn up(settings: &Settings) -> Result<Self> {
        let place = Place::open(settings)?;
        let mut services = Services::new()?;
        place.make_user()?;
        place.once("tenant", || place.collector(&["tenant", "create", "--name", TENANT]).run())?;
        let client = place.start_collector(&mut services)?;
        let state = place.folder.join("agent");
        place.once("agent", || place.enrol(TENANT, SITE, &state))?;
        let routers = start_routers(&place, &mut services)?;
        let before = last_samples(&client)?;
        let mut command = place.service("farwatch-agent");
        command.args(["run", "--state-dir"]).arg(&state);
        services.start("the agent", place.log("agent"), command)?;
        let agent = first_agent(&client, &mut services)?;
        for router in routers.iter().filter(|router| !before.contains_key(&router.address)) {
            client.post("/api/v1/devices", &router.device(&agent))?;
        }
        note("waiting for a sample of every router");
        until("samples of all routers", SAMPLES_WITHIN, &mut services, || {
            let now = last_samples(&client)?;
            Ok(routers.iter().all(|router| is_newer(&before, &now, &router.address)))
        })?;
        Ok(Self { services, url: format!("http://{}/", settings.http), password: place.password })
    }

    /// An error when a process of it has ended.
    pub(crate) fn check(&mut self) -> Result {
        self.services.check()
    }

    /// Starts again what has ended, see [`Services::keep`].
    pub(crate) fn keep(&mut self) -> Result {
        self.services.keep()
    }
}

fn start_routers(place: &Place, services: &mut Services) -> Result<Vec<Router>> {
    let mut command = place.service("farwatch-sim");
    command.args(["--count", &ROUTERS.to_string(), "--state-file"]);
    command.arg(place.folder.join("routers"));
    let log = place.log("routers");
    services.start("the simulated routers", log.clone(), command)?;
    let mut routers = Vec::new();
    until("the simulated routers", READY_WITHIN, services, || {
        let text = fs::read_to_string(&log)?;
        routers = text.lines().filter_map(Router::parse).collect();
        Ok(text.lines().any(|line| line == "ready"))
    })?;
    if routers.len() != ROUTERS {
        return Err(format!("farwatch-sim named {} of {ROUTERS} routers", routers.len()).into());
    }
    Ok(routers)
}

impl Router {
    /// `router NAME ADDR:PORT COMMUNITY`
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (Some("router"), Some(name), Some(address), Some(community), None) =
            (words.next(), words.next(), words.next(), words.next(), words.next())
        else {
            return None;
        };
        Some(Self { name: name.into(), address: address.into(), community: community.into() })
    }

    /// The body that adds it as a device.
    fn device(&self, agent: &str) -> String {
        format!(
            "{{\"agent\":{},\"name\":{},\"address\":{},\"interval_s\":{INTERVAL_S},\
             \"snmp\":{{\"version\":\"v2c\",\"community\":{}}}}}",
            quote(agent),
            quote(&self.name),
            quote(&self.address),
            quote(&self.community),
        )
    }
}

/// Device address to the time of its last sample, `None` where there is none yet.
type LastSamples = BTreeMap<String, Option<String>>;

fn last_samples(client: &Client) -> Result<LastSamples> {
    let answer = client.get("/api/v1/devices?limit=1000")?;
    let devices = answer.get("data").map(Json::items).unwrap_or_default();
    let entry = |device: &Json| {
        let at = device.text("last_sample_at").map(str::to_owned);
        Some((device.text("address")?.to_owned(), at))
    };
    Ok(devices.iter().filter_map(entry).collect())
}

/// Whether the device has a sample that it did not have before.
fn is_newer(before: &LastSamples, now: &LastSamples, address: &str) -> bool {
    let last = |samples: &LastSamples| samples.get(address).cloned().flatten();
    last(now).is_some() && last(now) != last(before)
}

fn first_agent(client: &Client, services: &mut Services) -> Result<String> {
    let mut id = None;
    until("the agent to be known", READY_WITHIN, services, || {
        let answer = client.get("/api/v1/agents")?;
        let agents = answer.get("data").map(Json::items).unwrap_or_default();
        id = agents.first().and_then(|agent| agent.text("id")).map(str::to_owned);
        Ok(id.is_some())
    })?;
    id.ok_or_else(|| "the collector knows no agent".into())
}

/// Asks `is_so` again and again; ends early when a service died.
pub(crate) fn until(
    what: &str,
    limit: Duration,
    services: &mut Services,
    mut is_so: impl FnMut() -> Result<bool>,
) -> Result {
    let start = Instant::now();
    while !is_so()? {
        services.check()?;
        if start.elapsed() > limit {
            return Err(format!("waited {} s for {what}; see the logs", limit.as_secs()).into());
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_lines_of_the_simulator() {
        let router = Router::parse("router gw-1 127.0.0.1:16101 public").unwrap();
        assert_eq!(router.address, "127.0.0.1:16101");
        assert_eq!(Router::parse("ready"), None);
        assert_eq!(Router::parse("router gw-1 127.0.0.1:16101"), None);
        assert!(Json::parse(&router.device("agt_1")).unwrap().get("snmp").is_some());
    }

    #[test]
    fn only_a_sample_of_this_run_counts() {
        let samples = |at: Option<&str>| BTreeMap::from([("a".into(), at.map(str::to_owned))]);
        assert!(!is_newer(&samples(Some("1")), &samples(Some("1")), "a"));
        assert!(is_newer(&samples(Some("1")), &samples(Some("2")), "a"));
        assert!(is_newer(&samples(None), &samples(Some("1")), "a"));
        assert!(is_newer(&BTreeMap::new(), &samples(Some("1")), "a"));
        assert!(!is_newer(&samples(None), &samples(None), "a"));
    }
}
