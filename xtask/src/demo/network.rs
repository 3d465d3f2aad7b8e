//! Where the sites of the demo have their networks.
//!
//! Each site runs in a network namespace of its own, so that all of them may have the same addresses:
//! root makes one as it is, anybody else with a namespace of users around it, where the system lets
//! them. The simulator holds the namespace, agent and link enter it. Where there are none, the gear
//! listens on ports of this host.

use std::path::Path;
use std::process::Command;

use super::world::{Device, Site, Whereabouts};
use crate::stack::place::{free_port, kept};
use crate::{Result, cmd::Cmd};

const SITE: &str = include_str!("site.sh");
const DEVICE: &str = "field";
/// Becomes the command in the namespace of the process whose id the file has: another one each time that the
/// gear is started again.
const ENTER: &str = r#"holder=$1 && shift && exec nsenter --target "$(cat "$holder")" "$@""#;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    /// A namespace made by root.
    Root,
    /// A namespace in one of users.
    Users,
    Loopback,
}

/// What is different on loopback, for whoever runs it.
pub(super) const LOOPBACK_NOTE: &str = "no network namespaces here: the gear has ports of 127.0.0.1, \
    lines neither delay nor lose, the dead answer echo requests, and no link is cut";

impl Network {
    /// The best that this system has.
    pub(super) fn probed() -> Self {
        let works = |network: &Self| {
            let script = format!("ip link set lo up && ip tuntap add dev {DEVICE} mode tun");
            let [program, words @ ..] = network.made() else { return false };
            Cmd::new(program).args(words).args(["sh", "-e", "-c", &script]).succeeds()
        };
        let both = [Self::Root, Self::Users];
        both.into_iter().find(works).unwrap_or(Self::Loopback)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Users => "users",
            Self::Loopback => "loopback",
        }
    }

    /// What this folder was begun with: its devices have the addresses of that.
    pub(super) fn of(folder: &Path) -> Result<Self> {
        let found = Self::probed();
        let begun = kept(&folder.join("network"), || Ok(found.name().to_owned()))?;
        let is_loopback = begun == Self::Loopback.name();
        match (is_loopback, found) {
            (true, _) => Ok(Self::Loopback),
            (false, Self::Loopback) => Err("this demo was begun with network namespaces, which \
                                            cannot be made now: start anew by --fresh"
                .into()),
            (false, found) => Ok(found),
        }
    }

    pub(super) fn is_loopback(self) -> bool {
        self == Self::Loopback
    }

    /// The words that make a namespace.
    fn made(self) -> &'static [&'static str] {
        match self {
            Self::Root => &["unshare", "--net"],
            Self::Users => &["unshare", "--user", "--map-root-user", "--net"],
            Self::Loopback => &[],
        }
    }

    /// Where a site's device is; ports are kept in `file`.
    pub(super) fn whereabouts(self, device: &Device, folder: &Path) -> Result<Whereabouts> {
        if !self.is_loopback() {
            return Ok(Whereabouts::inside(device));
        }
        let file = folder.join(format!("port-{}", device.host));
        let at = kept(&file, || Ok(free_port()?.to_string()))?;
        Ok(Whereabouts::on_loopback(at.parse()?))
    }

    /// The simulator of a site's gear, which holds the site's namespace.
    pub(super) fn field(self, site: &Site, simulator: &Path, file: &Path) -> Command {
        let [program, words @ ..] = self.made() else {
            let mut command = Command::new(simulator);
            command.arg("--field").arg(file);
            return command;
        };
        // Those that are not behind a line.
        let near = site.devices.iter().filter(|device| device.ssh.is_some());
        let near: Vec<String> = near.map(Device::address).collect();
        let mut command = Command::new(program);
        command.args(words).args(["sh", "-e", "-c", SITE, "site", DEVICE, &near.join(" ")]);
        command.arg(simulator).arg("--field").arg(file).args(["--device", DEVICE]);
        command
    }

    /// A program in the namespace that the process holds whose id is in the file `holder`.
    pub(super) fn inside(self, holder: &Path, program: &Path) -> Command {
        let users: &[&str] = match self {
            Self::Root => &[],
            Self::Users => &["--user", "--preserve-credentials"],
            Self::Loopback => return Command::new(program),
        };
        let mut command = Command::new("sh");
        command.args(["-c", ENTER, "enter"]).arg(holder).arg("--net").args(users).arg(program);
        command
    }
}
