//! The demo, brought up in a hurry: what it says can be seen is seen by its API, and when it ends
//! nothing of it is left.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::count::Count;
use crate::build::{self, Profile};
use crate::demo::Pace;
use crate::demo::show::{Known, Show, VIEWER, items};
use crate::http::Client;
use crate::json::Json;
use crate::services::pid_file;
use crate::stack::place::free_port;
use crate::stack::{EMAIL, Settings};
use crate::{Result, cmd::Cmd, cmd::note, repo};

/// Everything in a minute. A link has to be cut for longer than the 30 s that the collector waits.
const HURRY: Pace = Pace {
    link_cuts: "60/40",
    dies: "60/20",
    flaps: "40/20",
    change_every_s: 20,
    fetch_every_s: 15,
    history_hours: 6,
};
/// Each is there sooner; all of them together take a minute and a half.
const LIMIT: Duration = Duration::from_secs(90);
/// Of a chart of the last hours.
const POINTS_MIN: usize = 100;

struct Check {
    name: &'static str,
    is_so: fn(&mut Seen, &Client, &Known) -> Result<bool>,
    /// Only where sites have networks of their own.
    of_network: bool,
}

const fn check(name: &'static str, is_so: fn(&mut Seen, &Client, &Known) -> Result<bool>) -> Check {
    Check { name, is_so, of_network: false }
}

/// What was seen before.
#[derive(Default)]
struct Seen {
    port_up: bool,
    port_down: bool,
    agent_away: bool,
}

const CHECKS: [Check; 8] = [
    check("a hot device", is_hot),
    Check { of_network: true, ..check("a dead device", is_dead) },
    check("a device over SNMPv3", is_v3),
    check("a chart that begins full", has_history),
    check("states that begin with the history", has_states),
    check("a port that comes and goes", flaps),
    check("two versions of a configuration", has_versions),
    Check { of_network: true, ..check("a link that is cut, and whole again", is_cut) },
];

pub(super) fn run() -> Result<Count> {
    let folder = repo::target().join("demo-test");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    let settings = Settings {
        folder: folder.clone(),
        binaries: build::folder(Profile::Dev),
        http: free_port()?,
    };
    let mut show = Show::up(&settings, HURRY)?;
    let mut count = Count::default();
    let mut seen = Seen::default();
    for Check { name, is_so, of_network } in &CHECKS {
        if *of_network && !show.has_networks {
            note(&format!("skipped: {name}"));
            continue;
        }
        let found = show.wait(name, LIMIT, |client, known| is_so(&mut seen, client, known));
        count += Count::of_check(name, found);
    }
    count += tour(&show, &folder)?;
    let mut viewer = Client::new(settings.http);
    let own = viewer.login(VIEWER, &show.viewer_password).and_then(|()| only_own(&viewer));
    count += Count::of_check("a person of one tenant", own);
    count += Count::of_check("an agent that is killed is started again", crash(&mut show, &folder));
    drop(show);
    count += Count::of_check("nothing is left", nothing_runs(&folder));
    Ok(count)
}

/// The README's way through it, in a browser; its pictures are left in the folder.
fn tour(show: &Show, folder: &Path) -> Result<Count> {
    let walk = Cmd::new("node")
        .arg("collector/web/e2e/tour.mjs")
        .args([show.url.as_str(), EMAIL])
        .arg(folder.join("tour"))
        .input(&show.password)
        .tee()?;
    let broken = || format!("the tour ended with {}", walk.status);
    Ok(Count::of_plain(&walk.text).ok_or_else(broken)?)
}

fn device(client: &Client, known: &Known, name: &str) -> Result<Json> {
    let answer = client.get(&format!("/api/v1/devices/{}", id(known, name)?))?;
    answer.get("data").cloned().ok_or_else(|| "no data".into())
}

fn id<'a>(known: &'a Known, name: &str) -> Result<&'a str> {
    Ok(known.devices.get(name).ok_or_else(|| format!("there is no {name}"))?)
}

fn number(json: &Json, member: &str) -> Option<f64> {
    json.get(member)?.plain().parse().ok()
}

fn is_hot(_: &mut Seen, client: &Client, known: &Known) -> Result<bool> {
    let hot = device(client, known, "sw-bern-2")?;
    Ok(number(&hot, "temperature_celsius").is_some_and(|celsius| celsius > 70.0))
}

fn is_dead(_: &mut Seen, client: &Client, known: &Known) -> Result<bool> {
    Ok(device(client, known, "cpe-old-mill")?.text("state") == Some("down"))
}

fn is_v3(_: &mut Seen, client: &Client, known: &Known) -> Result<bool> {
    let srx = device(client, known, "srx-harbour")?;
    let version = srx.get("snmp").and_then(|snmp| snmp.text("version"));
    Ok(version == Some("v3") && srx.text("state") == Some("up"))
}

fn has_history(_: &mut Seen, client: &Client, known: &Known) -> Result<bool> {
    let id = id(known, "core-bern")?;
    let answer = client.get(&format!("/api/v1/devices/{id}/series?metric=icmp_rtt_seconds"))?;
    let series = answer.get("data").and_then(|data| data.get("series"));
    let points = series.and_then(|series| series.items().first()?.get("points"));
    Ok(points.is_some_and(|points| points.items().len() >= POINTS_MIN))
}

/// It was seen for the first time when its history begins, and for no second one.
fn has_states(_: &mut Seen, client: &Client, known: &Known) -> Result<bool> {
    let core = device(client, known, "core-bern")?;
    let id = id(known, "core-bern")?;
    let events = client.get(&format!("/api/v1/devices/{id}/timeline?limit=500"))?;
    let events = events.get("data").and_then(|data| data.get("items")).map(Json::items);
    let changes = events.unwrap_or_default().iter();
    let changes = changes.filter(|event| event.text("kind") == Some("state_changed"));
    let first =
        changes.filter(|event| event.text("text").is_some_and(|text| text.ends_with("first time")));
    let first: Vec<_> = first.map(|event| event.text("at")).collect();
    Ok(first == [core.text("created_at")])
}

fn flaps(seen: &mut Seen, client: &Client, known: &Known) -> Result<bool> {
    let id = id(known, "sw-bern-1")?;
    let ports = items(client, &format!("/api/v1/devices/{id}/interfaces?limit=100"))?;
    let port = ports.iter().find(|port| port.text("name") == Some("GigabitEthernet1/0/5"));
    match port.and_then(|port| port.text("oper")) {
        Some("up") => seen.port_up = true,
        Some("down") => seen.port_down = true,
        _ => {}
    }
    Ok(seen.port_up && seen.port_down)
}

fn has_versions(_: &mut Seen, client: &Client, known: &Known) -> Result<bool> {
    let id = id(known, "core-bern")?;
    Ok(items(client, &format!("/api/v1/devices/{id}/configs"))?.len() >= 2)
}

fn is_cut(seen: &mut Seen, client: &Client, _: &Known) -> Result<bool> {
    let agents = items(client, "/api/v1/agents")?;
    let site =
        |agent: &Json| agent.get("site").and_then(|site| site.text("name").map(str::to_owned));
    let agent = agents.iter().find(|agent| site(agent).as_deref() == Some("Summit Jungfrau"));
    let is_up = agent.and_then(|agent| agent.text("state")) == Some("up");
    seen.agent_away |= !is_up;
    Ok(seen.agent_away && is_up)
}

/// What it cost is declared, and nothing else has ended all the time.
fn crash(show: &mut Show, folder: &Path) -> Result {
    let pid = fs::read_to_string(pid_file(&folder.join("logs").join("bern-agent.log")))?;
    Cmd::new("kill").args(["-9", &pid]).run()?;
    show.wait("the gap of a crash", LIMIT, |client, known| {
        let agent = known.agents.get("Depot Bern").map_or("", String::as_str);
        let gaps = items(client, &format!("/api/v1/agents/{agent}/gaps"))?;
        Ok(gaps.iter().any(|gap| gap.text("reason") == Some("crash")))
    })?;
    match show.restarted() {
        [one] if one == "the agent of Depot Bern" => Ok(()),
        all => Err(format!("started again: {}", all.join(", ")).into()),
    }
}

fn only_own(viewer: &Client) -> Result {
    let devices = items(viewer, "/api/v1/devices?limit=1000")?;
    let tenant = |device: &Json| {
        device.get("tenant").and_then(|tenant| tenant.text("name").map(str::to_owned))
    };
    match devices
        .iter()
        .find(|device| tenant(device).is_none_or(|name| !name.starts_with("Borealis")))
    {
        None if !devices.is_empty() => Ok(()),
        None => Err("the viewer sees nothing".into()),
        Some(other) => Err(format!("the viewer sees {:?}", other.text("name")).into()),
    }
}

/// No process has the folder in its command line, nor as its own.
fn nothing_runs(folder: &Path) -> Result {
    let Ok(processes) = fs::read_dir("/proc") else {
        note("no /proc: what is left is not looked for");
        return Ok(());
    };
    let folder_text = folder.display().to_string();
    for process in processes.flatten() {
        let path = process.path();
        let is_own = path.file_name().and_then(|name| name.to_str()?.parse().ok())
            == Some(std::process::id());
        let words = fs::read(path.join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        let inside = fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
        if !is_own && (inside || words.contains(&folder_text)) {
            return Err(format!("still there: {}", words.replace('\0', " ")).into());
        }
    }
    Ok(())
}
