//! Installs what the tests need and is missing; where it may not, says exactly what to install.

pub(crate) mod python;

use std::path::Path;

use crate::{Result, cmd::Cmd, cmd::note};

/// A Debian package and how to see that it is there.
struct Package {
    name: &'static str,
    /// Any of these paths.
    paths: &'static [&'static str],
}

/// The real SNMP daemon and client that the poller is held against.
const SNMP: [Package; 2] = [
    Package { name: "snmpd", paths: &["/usr/sbin/snmpd", "/usr/local/sbin/snmpd"] },
    Package { name: "snmp", paths: &["/usr/bin/snmpget", "/usr/local/bin/snmpget"] },
];

/// The real SSH server that configurations are fetched from.
const SSH: [Package; 2] = [
    Package { name: "openssh-server", paths: &["/usr/sbin/sshd"] },
    Package { name: "openssh-client", paths: &["/usr/bin/ssh-keygen"] },
];

/// A proxy on the way out of a site.
const PROXY: [Package; 1] =
    [Package { name: "tinyproxy", paths: &["/usr/bin/tinyproxy", "/usr/sbin/tinyproxy"] }];

/// Where notifications end: a broker with its client, and a mail server.
const SINKS: [Package; 3] = [
    Package { name: "mosquitto", paths: &["/usr/sbin/mosquitto"] },
    Package { name: "mosquitto-clients", paths: &["/usr/bin/mosquitto_sub"] },
    Package {
        name: "python3-aiosmtpd",
        paths: &["/usr/lib/python3/dist-packages/aiosmtpd/__init__.py"],
    },
];

/// The other pinger that ours is held against, and what makes namespaces.
const PING: [Package; 3] = [
    Package { name: "fping", paths: &["/usr/bin/fping", "/usr/sbin/fping"] },
    Package { name: "iproute2", paths: &["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"] },
    Package { name: "util-linux", paths: &["/usr/bin/nsenter"] },
];

/// The programs of a PostgreSQL server. Debian has them in a folder per major version.
const POSTGRES_PROGRAMS: [&str; 2] = ["initdb", "postgres"];
const POSTGRES_FOLDER: &str = "/usr/lib/postgresql";

/// The browser of the e2e tests; without a font its screenshots are empty boxes.
const BROWSER: [Package; 2] = [
    Package {
        name: "chromium",
        paths: &["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"],
    },
    Package { name: "fonts-dejavu-core", paths: &["/usr/share/fonts/truetype"] },
];

/// Errors of a disk, clocks that are wrong, file systems that are small.
const FAULTS: [Package; 4] = [
    Package { name: "strace", paths: &["/usr/bin/strace", "/usr/local/bin/strace"] },
    Package { name: "faketime", paths: &["/usr/bin/faketime", "/usr/local/bin/faketime"] },
    Package { name: "util-linux", paths: &["/usr/bin/prlimit"] },
    Package { name: "mount", paths: &["/usr/bin/mount", "/bin/mount"] },
];

/// Installs "$@". A fresh server must not start as a service: the tests run their own.
/// policy-rc.d is Debian's way to say so; one that is there already is left alone.
const APT_SCRIPT: &str = r#"set -e
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
apt-get install -y --no-install-recommends "$@"
"#;

pub(crate) fn snmp() -> Result {
    debian(&SNMP)
}

pub(crate) fn ssh() -> Result {
    debian(&SSH)
}

pub(crate) fn proxy() -> Result {
    debian(&PROXY)
}

pub(crate) fn sinks() -> Result {
    debian(&SINKS)
}

pub(crate) fn faults() -> Result {
    debian(&FAULTS)
}

pub(crate) fn ping() -> Result {
    debian(&PING)
}

/// Any major version: `postgresql` is the one that the release of Debian stands for.
pub(crate) fn postgres() -> Result {
    if has_postgres(Path::new(POSTGRES_FOLDER)) || std::env::var_os("FARWATCH_PG_BIN").is_some() {
        return Ok(());
    }
    install(&["postgresql"])
}

fn has_postgres(folder: &Path) -> bool {
    let mut versions = std::fs::read_dir(folder).into_iter().flatten().flatten();
    versions.any(|version| {
        let programs = version.path().join("bin");
        POSTGRES_PROGRAMS.iter().all(|name| programs.join(name).is_file())
    })
}

pub(crate) fn browser() -> Result {
    debian(&BROWSER)
}

fn debian(wanted: &[Package]) -> Result {
    let missing = missing(wanted, |path| Path::new(path).exists());
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

fn install(missing: &[&str]) -> Result {
    let list = missing.join(" ");
    let by_hand = format!(
        "missing: {list}. Install them and try again, on Debian by\n    \
         sudo apt-get install -y --no-install-recommends {list}"
    );
    if !Path::new("/usr/bin/apt-get").exists() {
        return Err(by_hand.into());
    }
    note(&format!("installing {list}"));
    let shell = ["sh", "-c", APT_SCRIPT, "apt-install"];
    if is_root() {
        Cmd::new("env").args(shell).args(missing).run()
    } else if Cmd::new("sudo").args(["-n", "true"]).succeeds() {
        Cmd::new("sudo").arg("-n").args(shell).args(missing).run()
    } else {
        Err(by_hand.into())
    }
}

fn missing(wanted: &[Package], exists: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let absent = |package: &&Package| !package.paths.iter().any(|path| exists(path));
    wanted.iter().filter(absent).map(|package| package.name).collect()
}

fn is_root() -> bool {
    Cmd::new("sh").args(["-c", "[ \"$(id -u)\" = 0 ]"]).succeeds()
}

/// Whether tests can run under cargo-nextest; tries to install it once.
pub(crate) fn nextest() -> bool {
    if Cmd::new("cargo").args(["nextest", "--version"]).succeeds() {
        return true;
    }
    let install = Cmd::new("cargo").args(["install", "cargo-nextest", "--locked"]);
    if let Err(problem) = install.run() {
        note(&format!("{problem}; going on with cargo test, which has no time limit per test"));
        return false;
    }
    true
}

/// cargo-deny takes about six minutes to build; once installed it stays in cargo's bin folder.
pub(crate) fn cargo_deny() -> Result {
    if Cmd::new("cargo").args(["deny", "--version"]).succeeds() {
        return Ok(());
    }
    Cmd::new("cargo").args(["install", "cargo-deny", "--locked"]).run()
}

/// Another version may know other settings and lay pages out otherwise.
const MDBOOK: &str = "0.5.4";

/// mdBook takes about three minutes of CPU to build; once installed it stays in cargo's bin folder.
/// Without its server and its watcher of files, which nothing here uses. `--force` takes the place of
/// another version, whoever put that there.
pub(crate) fn mdbook() -> Result {
    let found = Cmd::new("mdbook").arg("--version").stdout();
    if found.is_ok_and(|found| found.trim() == format!("mdbook v{MDBOOK}")) {
        return Ok(());
    }
    Cmd::new("cargo")
        .args(["install", "mdbook", "--version", MDBOOK, "--locked", "--force"])
        .args(["--no-default-features", "--features", "search"])
        .run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_there_when_any_of_its_paths_is() {
        assert_eq!(missing(&SNMP, |_| false), ["snmpd", "snmp"]);
        assert_eq!(missing(&SNMP, |path| path == "/usr/local/bin/snmpget"), ["snmpd"]);
        assert!(missing(&BROWSER, |_| true).is_empty());
    }

    #[test]
    fn any_version_of_postgresql_with_a_server_is_enough() {
        let folder = std::env::temp_dir().join(format!("farwatch-xtask-{}-pg", std::process::id()));
        let client = folder.join("15/bin");
        let server = folder.join("17/bin");
        std::fs::create_dir_all(&client).unwrap();
        std::fs::create_dir_all(&server).unwrap();
        assert!(!has_postgres(&folder));
        for name in POSTGRES_PROGRAMS {
            assert!(!has_postgres(&folder));
            std::fs::write(server.join(name), "").unwrap();
        }
        assert!(has_postgres(&folder));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
