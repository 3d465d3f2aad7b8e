//! `farwatch-agent backup`: the configuration of one device, fetched by SSH.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use farwatch_common::file::write_private;
use farwatch_common::token::is_endpoint;
use serde::Serialize;

use super::secret_file;
use crate::history::platform::Platforms;
use crate::history::redact::SiteKey;
use crate::history::{FetchError, Login, Snapshot, Target, fetch, site_key};

const SSH_PORT: u16 = 22;

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    #[arg(value_name = "HOST[:PORT]")]
    device: String,
    /// Who logs in
    #[arg(long, value_name = "NAME")]
    user: String,
    /// File with the user's password, or - for standard input
    #[arg(long, value_name = "FILE", required_unless_present = "key_file")]
    password_file: Option<PathBuf>,
    /// File with the user's private key, or - for standard input
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// File with the password for `enable`, if it is another one
    #[arg(long, value_name = "FILE")]
    enable_file: Option<PathBuf>,
    #[arg(long, value_name = "PLATFORM", help = platform_help())]
    platform: Option<String>,
    /// Offer algorithms that are broken, for devices that know nothing better
    #[arg(long)]
    legacy: bool,
    /// The fingerprint of the host key; any is taken without
    #[arg(long, value_name = "SHA256:…")]
    known_host: Option<String>,
    /// Write the configuration with its secrets to a file for this user only
    #[arg(long, value_name = "FILE")]
    raw_out: Option<PathBuf>,
    /// Print all for programs; {"ok": false, "cause": …, "hint": …} if there is nothing
    #[arg(long)]
    json: bool,
}

fn platform_help() -> String {
    let ids: Vec<&str> = Platforms::embedded().ids().collect();
    format!("What the device is, to save asking it: {}", ids.join(", "))
}

/// What programs are told.
#[derive(Serialize)]
struct Given<'a> {
    ok: bool,
    platform: &'a str,
    host_key: &'a str,
    facts: &'a [String],
    config: &'a str,
}

#[derive(Serialize)]
struct Missing {
    ok: bool,
    cause: &'static str,
    /// What to do about it.
    hint: String,
}

impl Missing {
    fn because(error: &anyhow::Error) -> Self {
        let cause = error.downcast_ref::<FetchError>().map_or("usage", FetchError::name);
        Self { ok: false, cause, hint: format!("{error:#}") }
    }
}

impl BackupArgs {
    /// Fetches and prints. Programs are told of a failure too.
    pub(super) async fn run(&self, state_dir: &Path) -> anyhow::Result<()> {
        let fetched = self.fetch(state_dir).await;
        match (&fetched, self.json) {
            (Ok(snapshot), false) => {
                eprintln!("{}: host key {}", snapshot.platform, snapshot.fingerprint);
                std::io::stdout().write_all(snapshot.normalised.as_bytes())?;
            }
            (Ok(snapshot), true) => print_json(&Given {
                ok: true,
                platform: &snapshot.platform,
                host_key: &snapshot.fingerprint,
                facts: &snapshot.facts,
                config: &snapshot.normalised,
            })?,
            (Err(error), true) => print_json(&Missing::because(error))?,
            (Err(_), false) => {}
        }
        fetched.map(|_| ())
    }

    async fn fetch(&self, state_dir: &Path) -> anyhow::Result<Snapshot> {
        let target = self.target()?;
        let snapshot = fetch(&target, &marks(state_dir)).await?;
        if let Some(path) = &self.raw_out {
            write_private(path, snapshot.raw.expose())
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(snapshot)
    }

    fn target(&self) -> anyhow::Result<Target> {
        let (host, port) = endpoint(&self.device)?;
        if let Some(pin) = self.known_host.as_ref().filter(|pin| !pin.starts_with("SHA256:")) {
            bail!("{pin} is not SHA256:… as `ssh-keygen -l` prints it");
        }
        let read = |path: &Option<PathBuf>| path.as_deref().map(secret_file).transpose();
        let login = Login {
            user: self.user.clone(),
            password: read(&self.password_file)?,
            key: read(&self.key_file)?,
            enable: read(&self.enable_file)?,
        };
        Ok(Target {
            host,
            port,
            login,
            platform: self.platform.clone(),
            legacy: self.legacy,
            known_host: self.known_host.clone(),
        })
    }
}

/// The agent's own key of marks. Whoever may not use the state directory gets marks of this run.
fn marks(state_dir: &Path) -> SiteKey {
    site_key::load(state_dir).unwrap_or_else(|error| {
        eprintln!(
            "farwatch-agent: the marks of secrets are of this run only, as {} cannot be used: \
             {error}",
            state_dir.display()
        );
        SiteKey::new(&rand::random())
    })
}

fn endpoint(device: &str) -> anyhow::Result<(String, u16)> {
    let with_port = format!("{device}:{SSH_PORT}");
    let bracketed = format!("[{device}]:{SSH_PORT}");
    let endpoint = [device, &with_port, &bracketed].into_iter().find(|text| is_endpoint(text));
    let endpoint = endpoint.with_context(|| format!("{device} is not HOST or HOST:PORT"))?;
    let (host, port) = endpoint.rsplit_once(':').context("there is no port")?;
    let port = port.parse().context("the port is not a number")?;
    Ok((host.trim_matches(['[', ']']).to_owned(), port))
}

fn print_json(told: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(told)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_may_have_a_port() {
        for (text, host, port) in [
            ("192.0.2.1", "192.0.2.1", 22),
            ("router.lan:2222", "router.lan", 2222),
            ("2001:db8::1", "2001:db8::1", 22),
            ("[2001:db8::1]:2222", "2001:db8::1", 2222),
        ] {
            assert_eq!(endpoint(text).unwrap(), (host.to_owned(), port), "{text}");
        }
        assert!(endpoint("a b").is_err());
    }

    #[test]
    fn programs_are_told_the_cause_and_what_to_do() {
        let told = Missing::because(&FetchError::Login.into());
        assert_eq!(told.cause, "login");
        assert!(told.hint.contains("check its name"), "{}", told.hint);
        assert_eq!(Missing::because(&anyhow::anyhow!("cannot open x")).cause, "usage");
    }
}
