//! `farwatch-agent probe`: what one device gives, or why it gives nothing.

use std::net::Ipv6Addr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use farwatch_common::id::DeviceId;
use farwatch_common::token::is_endpoint;
use serde::Serialize;

use super::credential::CredentialArgs;
use super::{say, say_json};
use crate::poll::probe::{ProbeReport, probe};
use crate::poll::{Access, Manner, PollError, Target};

const SNMP_PORT: u16 = 161;

#[derive(Debug, Args)]
pub(super) struct ProbeArgs {
    #[arg(value_name = "HOST[:PORT]")]
    device: String,
    #[command(flatten)]
    credential: CredentialArgs,
    /// Print all numbers for programs; {"ok": false, "cause": …, "hint": …} if there are none
    #[arg(long)]
    json: bool,
}

/// What programs are told.
#[derive(Serialize)]
struct Given<'a> {
    ok: bool,
    #[serde(flatten)]
    report: &'a ProbeReport,
}

#[derive(Serialize)]
struct Missing {
    ok: bool,
    /// The name of a cause.
    cause: &'static str,
    /// What to do about it.
    hint: String,
}

impl Missing {
    fn because(error: &anyhow::Error) -> Self {
        let (cause, hint) = match error.downcast_ref::<PollError>() {
            Some(error) => (error.name(), error.hint()),
            // The device was not asked.
            None => ("usage", format!("{error:#}")),
        };
        Self { ok: false, cause, hint }
    }
}

impl ProbeArgs {
    /// Asks the device and prints what came of it. Programs are told of a failure too.
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let probed = self.ask().await;
        match (&probed, self.json) {
            (Ok(report), false) => say(&report.to_text())?,
            (Ok(report), true) => say_json(&Given { ok: true, report })?,
            (Err(error), true) => say_json(&Missing::because(error))?,
            (Err(_), false) => {}
        }
        probed.map(|_| ())
    }

    async fn ask(&self) -> anyhow::Result<ProbeReport> {
        let target = target(&self.device, self.credential.read()?)?;
        Ok(probe(target).await?)
    }
}

fn target(device: &str, access: Access) -> anyhow::Result<Target> {
    if let Some(place) = link_local(device)? {
        return Ok(asked(place, access));
    }
    let with_port = format!("{device}:{SNMP_PORT}");
    let bracketed = format!("[{device}]:{SNMP_PORT}");
    let endpoint = [device, &with_port, &bracketed].into_iter().find(|text| is_endpoint(text));
    let endpoint = endpoint.with_context(|| format!("{device} is not HOST or HOST:PORT"))?;
    let (host, port) = endpoint.rsplit_once(':').context("there is no port")?;
    let port = port.parse().context("the port is not a number")?;
    Ok(asked((host.trim_matches(['[', ']']).to_owned(), port), access))
}

fn asked((host, port): (String, u16), access: Access) -> Target {
    let (interval, manner) = (Duration::from_secs(60), Manner::default());
    Target { device: DeviceId(1), host, port, interval, access, manner }
}

/// Host and port of a link-local address (RFC 4007 §11): the interface it is on is a part of it. `None`
/// of all others.
fn link_local(device: &str) -> anyhow::Result<Option<(String, u16)>> {
    let (host, port) = match device.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, SNMP_PORT),
        Some((host, rest)) => {
            let port = rest.strip_prefix(':').and_then(|port| port.parse().ok());
            (host, port.with_context(|| format!("{device} is not HOST or HOST:PORT"))?)
        }
        None => (device, SNMP_PORT),
    };
    let (address, zone) = host.split_once('%').map_or((host, None), |(a, z)| (a, Some(z)));
    let is_local = address.parse().is_ok_and(|ip: Ipv6Addr| ip.is_unicast_link_local());
    match zone {
        Some(zone) if is_local && !zone.is_empty() => Ok(Some((host.to_owned(), port))),
        Some(_) => {
            bail!("{host}: only link-local addresses (fe80::...) have an interface behind a %")
        }
        None if is_local => {
            bail!("{host} is link-local: add % and this host's interface, such as {host}%eth0")
        }
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use farwatch_common::sample::Cause;

    use super::*;
    use crate::poll::probe::{Asked, NoAnswer, ProbeFailure, Silence};

    #[test]
    fn a_device_may_have_a_port() {
        for (text, host, port) in [
            ("fe80::1%eth0", "fe80::1%eth0", 161),
            ("[fe80::1%eth0]:1161", "fe80::1%eth0", 1161),
            ("192.168.88.1", "192.168.88.1", 161),
            ("router.lan:1161", "router.lan", 1161),
            ("2001:db8::1", "2001:db8::1", 161),
            ("[2001:db8::1]:1161", "2001:db8::1", 1161),
        ] {
            let target = target(text, Access::Nothing).unwrap();
            assert_eq!((target.host.as_str(), target.port), (host, port), "{text}");
        }
        assert!(target("a b", Access::Nothing).is_err());
        for (text, told) in [
            ("fe80::1", "add %"),
            ("[fe80::1]:161", "add %"),
            ("2001:db8::1%eth0", "only link-local"),
            ("fe80::1%", "only link-local"),
            ("[fe80::1%eth0]161", "HOST:PORT"),
        ] {
            let refused = target(text, Access::Nothing).unwrap_err().to_string();
            assert!(refused.contains(told), "{refused}");
        }
    }

    #[test]
    fn programs_are_told_the_cause_and_what_to_do() {
        let asked = Asked::User;
        let no_answer = NoAnswer { silence: Silence::PortClosed, asked, port: 1161 };
        let wrong = ProbeFailure { cause: Cause::WrongAuth, asked };
        for (error, cause, hint) in [
            (PollError::NoAnswer(no_answer), "port_closed", "nothing listens on UDP 1161"),
            (PollError::Device(wrong), "wrong_auth", "the authentication password"),
            (PollError::OnlyV1, "only_v1", "--version v1"),
        ] {
            let told = serde_json::to_value(Missing::because(&error.into())).unwrap();
            assert_eq!((&told["ok"], &told["cause"]), (&false.into(), &cause.into()));
            assert!(told["hint"].as_str().unwrap().contains(hint), "{told}");
        }
        let told = Missing::because(&anyhow::anyhow!("cannot open x"));
        assert_eq!((told.cause, told.hint.as_str()), ("usage", "cannot open x"));
    }
}
