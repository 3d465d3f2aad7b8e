//! `bench-fleet`: what many devices cost, dead ones among them, and SNMPv3.
//!
//! - Rounds of 900 living devices at full speed, alone and with 100 that keep silent beside them; the
//!   first round is that of an agent that has just started.
//! - CPU per poll over SNMPv3 (SHA-256, AES-128) and over v2c in turn, against one snmpd with 24
//!   interfaces in a network of its own.
//! - A whole agent with 10,000 devices, every 60 s, on a real collector: memory and CPU.
//!
//! The first and the last take the yardsticks' responder, the second root and snmpd; what is missing is
//! skipped, and says so. `bench-fleet [dead | v3 | large]` runs one of them.

use std::collections::HashMap;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use farwatch_agent::poll::{Observation, PollCounters};
use farwatch_collector::store::Database;
use farwatch_common::sample::Group;
use farwatch_support::bench::polling::{
    AUTH_PASSWORD, COMMUNITY, Fleet, PRIVACY_PASSWORD, USER, round_of, saturated,
};
use farwatch_support::bench::{figure, median, own_cpu_s, process_cpu_s, process_rss_kb};
use farwatch_support::http::Client;
use farwatch_support::namespace::Namespace;
use farwatch_support::snmpd::{self, Snmpd};
use farwatch_support::stack::{Agent, Collector, enroll};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const DEVICES: usize = 1000;
/// One of so many keeps silent.
const DEAD_EVERY: usize = 10;
const LIVING: usize = DEVICES - DEVICES / DEAD_EVERY;
/// Rounds of one process; dead devices are asked again, ever more rarely, while they last.
const ROUNDS: usize = 50;
/// Processes of each side, in turn.
const TURNS: usize = 5;
/// Fewer against the snmpd, which takes longer for an answer than we do.
const VERSION_TURNS: usize = 3;
/// After this nobody answers any more.
const PATIENCE: Duration = Duration::from_millis(200);
const ASKED_AT_ONCE: usize = 100;
const STARTS_MAX: u32 = 50;
/// Addresses of the one snmpd, which answers them one by one: with more, it would be late.
const ADDRESSES: usize = 100;
/// Polls of one process over v2c or v3 that count; as many as there are addresses go before them.
const POLLS: usize = 2000;
const LARGE: usize = 10_000;
const LARGE_INTERVAL: Duration = Duration::from_secs(60);
/// Until every device of the large fleet has been polled and has told what it is.
const LARGE_WARM_UP: Duration = Duration::from_secs(90);

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let ["--round", load] = words[..] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        return match load {
            "rounds" => runtime.block_on(rounds()),
            _ => runtime.block_on(cost()),
        };
    }
    // What snmpd says has to be read while a round is waited for.
    let runtime = tokio::runtime::Runtime::new()?;
    let is_wanted = |name| words.is_empty() || words == [name];
    if is_wanted("dead") {
        dead()?;
    }
    if is_wanted("v3") {
        runtime.block_on(version_3())?;
    }
    if is_wanted("large") {
        runtime.block_on(large())?;
    }
    Ok(())
}

fn dead() -> anyhow::Result<()> {
    let every = DEAD_EVERY.to_string();
    let Some(fleet) = Fleet::of_yardstick(DEVICES, &["--dead-every", &every])? else {
        return Ok(());
    };
    let living = living(&fleet.targets)?;
    ensure!(living.len() == LIVING, "{} devices answer", living.len());
    let [mut alone, mut beside] = [const { [const { Vec::new() }; 2] }; 2];
    for _ in 0..TURNS {
        for (targets, times) in [(&living, &mut alone), (&fleet.targets, &mut beside)] {
            let ended_ms = round_of(&[], &["--round", "rounds"], targets, 1)?;
            let [first, .., last] = ended_ms[..] else { anyhow::bail!("no rounds") };
            times[0].push(first);
            times[1].push((last - first) / (ROUNDS - 1) as f64);
        }
    }
    for (name, at) in [("first", 0), ("later", 1)] {
        let alone = median(&format!("{name} alone"), &mut alone[at])?;
        let beside = median(&format!("{name} beside dead"), &mut beside[at])?;
        let name = format!("{name}_round_of_900_ms_beside_100_dead");
        figure("fleet", &name, beside, "ms", Some(alone));
    }
    Ok(())
}

/// Those that answer a GET of sysUpTime.
fn living(targets: &[String]) -> anyhow::Result<Vec<String>> {
    const QUESTION: &[u8] =
        b"\x30\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x01\x07\x02\x01\x00\x02\x01\x00\
        \x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x03\x00\x05\x00";
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let first = targets.first().context("no targets")?;
    // The responder says that it is there a moment before it is.
    let ask = |_| socket.send_to(QUESTION, first).is_ok() && socket.recv(&mut [0; 1500]).is_ok();
    ensure!((0..STARTS_MAX).any(ask), "{first} does not answer");
    let mut living = Vec::new();
    // No more at once than the socket holds answers of.
    for some in targets.chunks(ASKED_AT_ONCE) {
        for target in some {
            socket.send_to(QUESTION, target)?;
        }
        while let Ok((_, from)) = socket.recv_from(&mut [0; 1500]) {
            living.push(from.to_string());
        }
    }
    Ok(living)
}

/// Polls without a pause; prints when each round ended, in milliseconds: when so many devices had
/// answered once, twice and so on.
async fn rounds() -> anyhow::Result<()> {
    let (out, mut observations) = mpsc::channel(4096);
    let started = Instant::now();
    let mut polls: HashMap<_, usize> = HashMap::new();
    let mut ended = Vec::with_capacity(ROUNDS);
    let mut reached = [0; ROUNDS];
    let counting = async {
        while let Some(observation) = observations.recv().await {
            let Observation::Row { row, .. } = observation else { continue };
            if row.group != Group::Interfaces || row.cause.is_some() {
                continue;
            }
            let polls = polls.entry(row.device).or_default();
            if let Some(devices) = reached.get_mut(*polls) {
                *devices += 1;
            }
            *polls += 1;
            while reached.get(ended.len()) == Some(&LIVING) {
                ended.push(started.elapsed().as_secs_f64() * 1e3);
            }
            if ended.len() == ROUNDS {
                return;
            }
        }
    };
    tokio::select! {
        over = saturated(out, Arc::default(), CancellationToken::new()) => over?,
        () = counting => {}
    }
    println!("{}", ended.iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
    Ok(())
}

async fn version_3() -> anyhow::Result<()> {
    let Some(program) = snmpd::program() else {
        println!("skipped: snmpd is not installed");
        return Ok(());
    };
    let Some(network) = Namespace::new() else { return Ok(()) };
    // With lo, and both ends of each pair, a few more than 24 interfaces.
    network.sh("for at in $(seq 12); do ip link add a$at type veth peer name b$at; done");
    let lines = format!(
        "rocommunity {COMMUNITY}\n\
         createUser {USER} SHA-256 {AUTH_PASSWORD} AES {PRIVACY_PASSWORD}\nrouser {USER} priv\n"
    );
    let any = Ipv4Addr::UNSPECIFIED;
    let served = Snmpd::start_inside(network.inside(), program, any, &lines).await?;
    let port = served.address.port();
    let address = |at| Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 20, 0, 1)) + at);
    let targets: Vec<String> =
        (0..ADDRESSES as u32).map(|at| format!("{}:{port}", address(at))).collect();
    let (mut community, mut user) = (Vec::new(), Vec::new());
    for _ in 0..VERSION_TURNS {
        for (version, costs) in [(1, &mut community), (3, &mut user)] {
            costs.extend(round_of(&network.inside(), &["--round", "cost"], &targets, version)?);
        }
    }
    let community = median("v2c", &mut community)?;
    let user = median("v3", &mut user)?;
    figure("fleet", "cpu_us_per_poll_v3_sha256_aes128_beside_v2c", user, "us", Some(community));
    Ok(())
}

/// Polls without a pause; prints the CPU microseconds of one poll, once all devices are known.
async fn cost() -> anyhow::Result<()> {
    let (out, mut observations) = mpsc::channel(4096);
    let counters = Arc::new(PollCounters::default());
    let (mut polls, mut values, mut before) = (0, 0, 0.0);
    let counting = async {
        while let Some(observation) = observations.recv().await {
            let Observation::Row { row, .. } = observation else { continue };
            if row.group != Group::Interfaces || row.cause.is_some() {
                continue;
            }
            polls += 1;
            if polls == ADDRESSES {
                before = own_cpu_s()?;
            }
            if polls > ADDRESSES {
                values += row.values.iter().flatten().count();
            }
            if polls == ADDRESSES + POLLS {
                break;
            }
        }
        anyhow::Ok(())
    };
    tokio::select! {
        over = saturated(out, Arc::clone(&counters), CancellationToken::new()) => over?,
        counted = counting => counted?,
    }
    let cpu_s = own_cpu_s()? - before;
    ensure!(polls == ADDRESSES + POLLS, "{polls} polls: {:?}", counters.snapshot());
    eprintln!("values/poll {:.1}, {:?}", values as f64 / POLLS as f64, counters.snapshot());
    println!("{}", cpu_s * 1e6 / POLLS as f64);
    Ok(())
}

async fn large() -> anyhow::Result<()> {
    let Some(fleet) = Fleet::of_yardstick(LARGE, &[])? else { return Ok(()) };
    let dir = tempfile::tempdir()?;
    let mut collector = Collector::start(&dir.path().join("collector")).await;
    let state_dir = dir.path().join("agent");
    std::fs::create_dir_all(&state_dir)?;
    let enrolled = enroll(&state_dir, &collector.token("Depot"));
    ensure!(enrolled.status.success(), "{}", String::from_utf8_lossy(&enrolled.stderr));
    let client = collector.client().await;
    let tenant = client.get("/api/v1/tenants").await.data()[0]["id"].clone();
    let profile = json!({
        "tenant": tenant, "name": "all", "kind": "snmp_community", "community": COMMUNITY,
    });
    let made = client.post("/api/v1/credential-profiles", &profile).await;
    ensure!(made.status == 201, "the profile: {}", made.text());
    collector.stop().await;
    write_devices(&Database::file(&collector.data_dir), &fleet.targets)?;
    collector.restart().await;
    let client = collector.client().await;
    let agent = Agent::run_in(&state_dir);
    let pid = agent.pid().context("the agent ended")?;

    tokio::time::sleep(LARGE_WARM_UP).await;
    let (stored, cpu_s) = (samples_stored(&client).await?, process_cpu_s(pid)?);
    tokio::time::sleep(LARGE_INTERVAL).await;
    let stored = samples_stored(&client).await? - stored;
    let cpu_s = process_cpu_s(pid)? - cpu_s;
    let rss_mb = process_rss_kb(pid)? / 1024.0;
    // 24 interfaces of seven values or more.
    ensure!(stored > (LARGE * 24 * 7) as f64, "{stored} samples in a minute:\n{}", agent.log());
    figure("fleet", "agent_rss_mb_at_10000_devices", rss_mb, "MB", None);
    figure(
        "fleet",
        "agent_cpu_us_per_poll_at_10000_devices",
        cpu_s * 1e6 / LARGE as f64,
        "us",
        None,
    );
    figure("fleet", "samples_stored_per_minute_of_10000_devices", stored, "1/min", None);
    Ok(())
}

/// Past the API, which lets nobody add so many at once. They are asked with the tenant's profile.
fn write_devices(file: &std::path::Path, targets: &[String]) -> anyhow::Result<()> {
    let mut database = rusqlite::Connection::open(file)?;
    let all = database.transaction()?;
    let interval_s = i64::try_from(LARGE_INTERVAL.as_secs())?;
    for (id, target) in (1_i64..).zip(targets) {
        let (host, port) = target.split_once(':').context("no port")?;
        let added = all.execute(
            "INSERT INTO device (tenant_id, device_id, site_id, agent_id, name, host, port,
                                 interval_s, snmp_version, created_at)
             SELECT tenant_id, ?1, site_id, agent_id, ?2, ?2, ?3, ?4, 'v2c', 0 FROM agent",
            rusqlite::params![id, host, port.parse::<u16>()?, interval_s],
        )?;
        ensure!(added == 1, "there are {added} agents");
    }
    Ok(all.commit()?)
}

async fn samples_stored(client: &Client) -> anyhow::Result<f64> {
    let page = client.get("/metrics").await.text();
    let line =
        |line: &str| line.strip_prefix("farwatch_ingest_samples_stored_total ")?.parse().ok();
    page.lines().find_map(line).context("/metrics has no ingest_samples_stored_total")
}
