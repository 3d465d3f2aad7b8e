//! Orders of the collector, checked.

use farwatch_common::id::{ConfigJobId, DeviceId};
use farwatch_common::secret::Secret;
use farwatch_proto::v1::{FetchConfig, SshLogin};

use crate::history::queue::Job;
use crate::history::{Login, Target};
use crate::inventory::is_host;

const USER_BYTES_MAX: usize = 256;
const PASSWORD_BYTES_MAX: usize = 1024;
/// RSA of 16,384 bits has some 12 KiB.
const KEY_BYTES_MAX: usize = 32 * 1024;
const PLATFORM_BYTES_MAX: usize = 64;
/// A fingerprint has 50.
const KNOWN_HOST_BYTES_MAX: usize = 64;

/// The job, or which limit it breaks. A platform that is not known is the job's own failure: another
/// agent may know it.
pub(super) fn read(order: FetchConfig) -> Result<Job<Target>, &'static str> {
    let FetchConfig { job_id, device_id, host, port, login, platform, legacy, known_host } = order;
    if job_id <= 0 || device_id <= 0 {
        return Err("an id is not positive");
    }
    if !is_host(&host) {
        return Err("the host is neither an IP address nor a host name");
    }
    let port = u16::try_from(port).ok().filter(|port| *port != 0);
    let port = port.ok_or("the port is not between 1 and 65535")?;
    if platform.len() > PLATFORM_BYTES_MAX {
        return Err("the platform is too long");
    }
    let is_fingerprint = known_host.is_empty() || known_host.starts_with("SHA256:");
    if !is_fingerprint || known_host.len() > KNOWN_HOST_BYTES_MAX {
        return Err("the known host key is not SHA256:…");
    }
    let login = read_login(login.ok_or("there is no login")?)?;
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    let (platform, known_host) = (given(platform), given(known_host));
    let what = Target { host, port, login, platform, legacy, known_host };
    Ok(Job { id: ConfigJobId(job_id), device: DeviceId(device_id), what })
}

fn read_login(login: SshLogin) -> Result<Login, &'static str> {
    let SshLogin { user, password, private_key, enable } = login;
    let given = |secret: Vec<u8>| Some(Secret::new(secret)).filter(|one| !one.expose().is_empty());
    if user.is_empty() || user.len() > USER_BYTES_MAX {
        return Err("the user is empty or too long");
    }
    if password.len().max(enable.len()) > PASSWORD_BYTES_MAX || private_key.len() > KEY_BYTES_MAX {
        return Err("a password or key is too long");
    }
    Ok(Login { user, password: given(password), key: given(private_key), enable: given(enable) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> FetchConfig {
        FetchConfig {
            job_id: 1,
            device_id: 2,
            host: "192.0.2.1".to_owned(),
            port: 22,
            login: Some(SshLogin {
                user: "ada".to_owned(),
                password: b"secret".to_vec(),
                ..SshLogin::default()
            }),
            ..FetchConfig::default()
        }
    }

    #[test]
    fn what_is_empty_is_not_there() {
        let job = read(order()).unwrap();
        assert_eq!((job.id, job.device), (ConfigJobId(1), DeviceId(2)));
        let login = job.what.login;
        assert_eq!((job.what.platform, job.what.known_host), (None, None));
        assert_eq!((login.password, login.key, login.enable), (Some("secret".into()), None, None));
    }

    #[test]
    fn orders_that_break_a_limit_are_refused() {
        let with = |user: &str, password: usize| {
            let (user, password) = (user.to_owned(), vec![b'x'; password]);
            Some(SshLogin { user, password, ..SshLogin::default() })
        };
        for bad in [
            FetchConfig { job_id: 0, ..order() },
            FetchConfig { device_id: -1, ..order() },
            FetchConfig { host: String::new(), ..order() },
            FetchConfig { host: "a b".to_owned(), ..order() },
            FetchConfig { port: 0, ..order() },
            FetchConfig { port: 65_536, ..order() },
            FetchConfig { platform: "x".repeat(65), ..order() },
            FetchConfig { known_host: "MD5:x".to_owned(), ..order() },
            FetchConfig { login: None, ..order() },
            FetchConfig { login: with("", 1), ..order() },
            FetchConfig { login: with("ada", 1025), ..order() },
        ] {
            assert!(read(bad.clone()).is_err(), "{bad:?}");
        }
    }
}
