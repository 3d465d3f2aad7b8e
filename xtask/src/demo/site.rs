//! One site of the demo: its gear, its link and its agent.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::network::Network;
use super::setup::Known;
use super::world::{Site, Tenant};
use super::{Pace, write_private};
use crate::services::{Services, pid_file};
use crate::stack::place::{Place, READY_WITHIN};
use crate::stack::until;
use crate::{Result, cmd::Cmd, cmd::note};

/// What the history is of.
#[derive(Clone, Copy)]
pub(super) struct Past {
    pub(super) hours: u32,
    /// Since 1970.
    pub(super) until_s: u64,
}

pub(super) struct Plot<'a> {
    place: &'a Place,
    network: Network,
    pub(super) tenant: &'static Tenant,
    pub(super) site: &'static Site,
    pub(super) folder: PathBuf,
}

impl<'a> Plot<'a> {
    pub(super) fn open(
        place: &'a Place,
        network: Network,
        (tenant, site): (&'static Tenant, &'static Site),
    ) -> Result<Self> {
        let folder = place.folder.join("sites").join(site.key);
        fs::create_dir_all(folder.join("link"))?;
        Ok(Self { place, network, tenant, site, folder })
    }

    pub(super) fn state(&self) -> PathBuf {
        self.folder.join("agent")
    }

    /// What the simulator plays.
    pub(super) fn field(&self) -> PathBuf {
        self.folder.join("field")
    }

    pub(super) fn enrol(&self) -> Result {
        let once = format!("agent-{}", self.site.key);
        self.place.once(&once, || self.place.enrol(self.tenant.name, self.site.name, &self.state()))
    }

    /// Writes down the gear for the simulator.
    pub(super) fn write_field(&self, pace: &Pace) -> Result {
        let mut text = String::new();
        for device in self.site.devices {
            let at = self.network.whereabouts(device, &self.folder)?;
            let line = device.line(&at, self.site.seed, pace);
            text.push_str(&line);
            text.push('\n');
        }
        write_private(&self.field(), &text)
    }

    /// Which device each of the gear is, for what makes their history; none of the dead.
    pub(super) fn write_devices(&self, known: &Known) -> Result {
        let mut text = String::new();
        if let Some((from, to)) = self.site.gap {
            text.push_str(&format!("gap {} {}\n", from * 60, to * 60));
        }
        for device in self.site.devices.iter().filter(|device| !device.is_dead()) {
            let (name, interval_s) = (device.name, device.interval_s);
            let id = known.devices.get(name).ok_or_else(|| format!("there is no {name}"))?;
            text.push_str(&format!("{name} {id} {interval_s}"));
            for (from, to) in device.away {
                text.push_str(&format!(" {} {}", from * 60, to * 60));
            }
            text.push('\n');
        }
        write_private(&self.folder.join("devices"), &text)
    }

    /// The program that sends the site's history, before its agent runs.
    pub(super) fn samples(&self, past: Past) -> Cmd {
        let what = self.history("samples").arg(self.state());
        self.of(past, what.arg(self.place.listen.to_string()).arg(self.field()))
    }

    /// The program that sends what has come since, up to when its agent polls.
    pub(super) fn since(&self, past: Past) -> Cmd {
        let what = self.history("since").arg(self.state());
        self.of(past, what.arg(self.place.listen.to_string()).arg(self.field()))
    }

    /// The program that writes how the states of its devices changed, once they have answered.
    pub(super) fn states(&self, past: Past) -> Cmd {
        self.of(past, self.history("states").arg(self.place.folder.join("collector")))
    }

    fn history(&self, what: &str) -> Cmd {
        Cmd::new(self.place.binary("farwatch-demo-history")).arg(what)
    }

    fn of(&self, past: Past, program: Cmd) -> Cmd {
        let devices = self.folder.join("devices");
        program.arg(devices).arg(past.hours.to_string()).arg(past.until_s.to_string())
    }

    /// Starts the gear, which holds the site's network; returns its place.
    pub(super) fn start_gear(&self, services: &mut Services) -> Result<usize> {
        let name = self.site.name;
        note(&format!("starting the gear of {name}: {} devices", self.site.devices.len()));
        let simulator = self.place.binary("farwatch-sim");
        let command = self.network.field(self.site, &simulator, &self.field());
        let log = self.log("gear");
        let holder = services.start(format!("the gear of {name}"), log.clone(), command)?;
        until(&format!("the gear of {name}"), READY_WITHIN, services, || {
            Ok(fs::read_to_string(&log)?.lines().any(|line| line == "ready"))
        })?;
        Ok(holder)
    }

    /// Starts the link out of the site, and the agent at its inner end.
    pub(super) fn start_agent(
        &self,
        services: &mut Services,
        holder: usize,
        pace: &Pace,
    ) -> Result {
        if !self.network.is_loopback() {
            self.start_link(services, holder, pace)?;
        }
        let mut agent = self.inside(&self.place.binary("farwatch-agent"));
        agent.args(["run", "--state-dir"]).arg(self.state());
        let name = format!("the agent of {}", self.site.name);
        services.start_inside(self.holder(holder), name, self.log("agent"), agent)?;
        Ok(())
    }

    /// A program in the site's network.
    fn inside(&self, program: &Path) -> Command {
        self.network.inside(&pid_file(&self.log("gear")), program)
    }

    /// Of what is in the site's network, if it has one.
    fn holder(&self, gear: usize) -> Option<usize> {
        (!self.network.is_loopback()).then_some(gear)
    }

    fn start_link(&self, services: &mut Services, holder: usize, pace: &Pace) -> Result {
        let program = self.place.binary("farwatch-demo-link");
        let listen = self.place.listen.to_string();
        let folder = self.folder.join("link");
        let mut outer = Command::new(&program);
        outer.args(["outer", &listen]).current_dir(&folder);
        if self.site.link_is_cut {
            outer.arg(pace.link_cuts);
        }
        let streams = folder.join("streams");
        remove(&streams)?;
        let name = format!("the link of {}", self.site.name);
        services.start(format!("{name}, outside"), self.log("link-outer"), outer)?;
        until("the link's outer end", READY_WITHIN, services, || Ok(streams.exists()))?;
        let mut inner = self.inside(&program);
        inner.args(["inner", &listen]).current_dir(&folder);
        let (name, log) = (format!("{name}, inside"), self.log("link-inner"));
        services.start_inside(self.holder(holder), name, log, inner)?;
        Ok(())
    }

    pub(super) fn log(&self, what: &str) -> PathBuf {
        self.place.log(&format!("{}-{what}", self.site.key))
    }
}

fn remove(file: &Path) -> Result {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
