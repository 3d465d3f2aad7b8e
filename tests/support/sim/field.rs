//! A site's gear as it is written down, one device a line, and served.
//!
//! A line is words: `at=192.168.88.7:161 name=cpe-7 kind=mikrotik seed=7 interfaces=5 community=public`.
//! In place of the community `user=NAME:AUTH:PRIVACY` asks for SNMPv3. What else there may be:
//! `busy=PERCENT` of the uplink, `flap=PLACE/EVERY_S/UP_S` of an interface, `hot`, `dead`,
//! `dies=EVERY_S/FOR_S`,
//! `line=RTT_MS/JITTER_MS/LOSS_PERCENT`, `ssh=PLATFORM:PORT:USER:PASSWORD:CHANGES_EVERY_S`.

pub mod config;
mod ip;
mod line;

use std::net::SocketAddr;
use std::str::FromStr;

use anyhow::{Context as _, bail};
use tokio::net::UdpSocket;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::config::Console;
pub use self::line::Line;
use super::fault::Fault;
use super::mib::{Level, Object};
use super::parts::{Sensor, put_processors, put_sensors, put_storage};
use super::pulse::Turns;
use super::respond::Responder;
use super::router::{Kind, Router};
use super::usm::{Engine, User};
use super::{Served, serve};
use farwatch_common::task::spawn_child;

/// A message with security around it has to fit the same line.
const SECURED_BYTES_MAX: usize = 1300;
/// RFC 3433: amperes, hertz, celsius, rpm, and alternating volts.
const VOLTS: i64 = 3;
const HERTZ: i64 = 7;
const CELSIUS: i64 = 8;
const RPM: i64 = 10;

/// What a device is asked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    Community(String),
    User(User),
}

/// One device of a site.
#[derive(Clone, Debug)]
pub struct Station {
    pub at: SocketAddr,
    pub name: String,
    pub router: Router,
    pub access: Access,
    pub hot: bool,
    /// Never answers.
    pub dead: bool,
    /// While these are on it does not answer; by the wall's clock.
    pub dies: Option<Turns>,
    pub line: Line,
    pub console: Option<Console>,
}

/// The lines of a file; the error names the line.
pub fn read(text: &str) -> anyhow::Result<Vec<Station>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| line.parse().with_context(|| format!("line {}", at + 1))).collect()
}

impl FromStr for Station {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (mut at, mut name, mut kind, mut access, mut console) = (None, None, None, None, None);
        let (mut seed, mut interfaces, mut line, mut dies) = (0, 8, Line::default(), None);
        let (mut busy, mut flaps, mut hot, mut dead) = (None, None, false, false);
        for word in text.split_whitespace() {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            let wrong = || format!("{key}: {value:?}");
            match key {
                "at" => at = Some(value.parse().with_context(wrong)?),
                "name" => name = Some(value.to_owned()),
                "kind" => kind = Some(Kind::named(value).with_context(wrong)?),
                "seed" => seed = value.parse().with_context(wrong)?,
                "interfaces" => interfaces = value.parse().with_context(wrong)?,
                "community" => access = Some(Access::Community(value.to_owned())),
                "user" => access = Some(Access::User(user(value).with_context(wrong)?)),
                "busy" => busy = Some(value.parse().with_context(wrong)?),
                "flap" => flaps = Some(flap(value).with_context(wrong)?),
                "hot" => hot = true,
                "dead" => dead = true,
                "dies" => dies = Some(turns(value).with_context(wrong)?),
                "line" => line = value.parse().with_context(wrong)?,
                "ssh" => console = Some(value.parse().with_context(wrong)?),
                _ => bail!("no device has a {key:?}"),
            }
        }
        let kind = kind.context("no kind")?;
        let router = Router { uplink_percent: busy, flaps, ..Router::new(kind, interfaces, seed) };
        let (at, name) = (at.context("no address")?, name.context("no name")?);
        let access = access.context("neither community nor user")?;
        Ok(Self { at, name, router, access, hot, dead, dies, line, console })
    }
}

fn user(value: &str) -> Option<User> {
    let mut parts = value.split(':').map(str::to_owned);
    let (name, auth, privacy) = (parts.next()?, parts.next()?, parts.next()?);
    Some(User { name, auth, privacy })
}

/// `PLACE/EVERY_S/UP_S`
fn flap(value: &str) -> Option<(u32, Turns)> {
    let (place, up) = value.split_once('/')?;
    Some((place.parse().ok()?, turns(up)?))
}

/// `EVERY_S/FOR_S`: so long of each period.
fn turns(value: &str) -> Option<Turns> {
    let (period_s, on_s) = value.split_once('/')?;
    Some(Turns { period_s: period_s.parse().ok()?, on_s: on_s.parse().ok()? })
}

impl Station {
    /// What answers for it.
    pub fn responder(&self) -> anyhow::Result<Responder> {
        let community = match &self.access {
            Access::Community(community) => community.as_bytes(),
            Access::User(_) => &[],
        };
        let mut responder = self.router.responder(community);
        if let Access::User(user) = &self.access {
            responder.engine = Some(Engine::new(user, self.router.seed)?);
            responder.message_bytes_max = SECURED_BYTES_MAX;
        }
        responder.mib.put(&[1, 5, 0], Object::text(&self.name));
        self.put_parts(&mut responder);
        responder.away = self.dies;
        responder.fault = if self.dead { Fault::Silent } else { Fault::None };
        Ok(responder)
    }

    /// Beside its interfaces, as such gear has it.
    fn put_parts(&self, responder: &mut Responder) {
        let (mib, seed) = (&mut responder.mib, self.router.seed);
        let level = |mean, height| Level { mean, height, seed };
        let load = if self.hot { level(94, 5) } else { level(18 + (seed % 23) as i64, 22) };
        let core = |at: u64| Level { seed: seed ^ at << 40, ..load };
        let celsius = if self.hot { 78 } else { 36 + (seed % 9) as i64 };
        let temperature = |name, more| Sensor {
            name,
            kind: CELSIUS,
            precision: 0,
            level: level(celsius + more, 4),
        };
        let sensor = |name, kind, precision, level| Sensor { name, kind, precision, level };
        let serial = format!("SIM{seed:06}");
        let sensors = match self.router.kind {
            Kind::MikroTik | Kind::EdgeOs => {
                put_processors(mib, &[core(1), core(2), core(3), core(4)]);
                put_storage(mib, 1024, seed);
                vec![]
            }
            Kind::Linux | Kind::AccessPoint | Kind::Radio => {
                put_processors(mib, &[core(1)]);
                put_storage(mib, 256, seed);
                vec![]
            }
            Kind::Cisco => vec![temperature("Inlet", 0)],
            Kind::Juniper => vec![temperature("Routing Engine", 6)],
            Kind::Switch => vec![
                temperature("Inlet", -6),
                temperature("Hotspot", 0),
                sensor("Fan 1", RPM, 0, level(5_280, 160)),
                sensor("Fan 2", RPM, 0, level(5_310, 150)),
            ],
            Kind::Power => vec![
                temperature("Battery", -8),
                sensor("Input voltage", VOLTS, 1, level(2_312, 31)),
                sensor("Output voltage", VOLTS, 1, level(2_300, 3)),
                sensor("Input frequency", HERTZ, 2, level(5_000, 2)),
            ],
        };
        if !sensors.is_empty() {
            put_sensors(mib, self.router.kind.model(), &serial, &sensors);
        }
    }

    /// On sockets of its own, at its own address.
    async fn listen(&self, stop: &CancellationToken) -> anyhow::Result<Served> {
        if let Some(console) = &self.console
            && !self.dead
        {
            let at = SocketAddr::new(self.at.ip(), console.port);
            let (console, name) = (console.clone(), self.name.clone());
            let server = console.device(&name).start_on(at).await;
            spawn_child(stop, console.keep_changing(name, server));
        }
        let socket = UdpSocket::bind(self.at).await;
        let socket = socket.with_context(|| format!("{} of {}", self.at, self.name))?;
        Ok(serve(socket, self.responder()?)?)
    }
}

/// A site that is served; gone when dropped.
#[derive(Debug)]
pub struct Field {
    _sockets: Vec<Served>,
    _stop: DropGuard,
}

impl Field {
    /// Each device at its own address on this host.
    pub async fn on_sockets(stations: &[Station]) -> anyhow::Result<Self> {
        let stop = CancellationToken::new();
        let mut sockets = Vec::with_capacity(stations.len());
        for station in stations {
            sockets.push(station.listen(&stop).await?);
        }
        Ok(Self { _sockets: sockets, _stop: stop.drop_guard() })
    }

    /// Devices with a console at their addresses on this host, all others behind `device`, a TUN
    /// device that is made here: echo requests, too, meet their lines.
    pub async fn behind_lines(stations: &[Station], device: &str) -> anyhow::Result<Self> {
        let (near, far): (Vec<_>, Vec<_>) =
            stations.iter().cloned().partition(|station| station.console.is_some());
        let field = Self::on_sockets(&near).await?;
        let stop = field._stop.token().clone();
        spawn_child(&stop, line::run(line::open(device)?, line::ends(&far)?));
        Ok(field)
    }
}

#[cfg(test)]
mod tests;
