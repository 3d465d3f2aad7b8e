//! The ways to one collector: its name, UDP, TCP, the proxy.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::task::chain;
use farwatch_common::transport::proxy::ProxyError;
use farwatch_common::transport::{Session, TransportError, link, quic, tcp};
use futures_util::FutureExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::clock::{self, NoClock, Offset};
use super::report::Check;
use crate::identity::Credentials;
use crate::uplink::Proxies;

const LOOKUP_LIMIT: Duration = Duration::from_secs(2);
/// Of QUIC's handshakes, over all addresses that are tried.
const UDP_LIMIT: Duration = Duration::from_secs(3);
/// Of 64 KiB there and back over UDP; over TCP it is what is left.
const ECHO_LIMIT: Duration = Duration::from_secs(2);
/// How long a collector may take to hear that the visit is over.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
const BYE: &str = "the doctor has seen enough";

/// What was found at one collector.
pub(super) struct Visit {
    pub(super) checks: Vec<Check>,
    pub(super) clock: Result<Offset, NoClock>,
}

/// Why a way does not lead there.
#[derive(Debug)]
enum Blocked {
    NotTried(String),
    Silent,
    /// The host says that nobody listens at the port.
    Closed(String),
    /// Small packets get through, 64 KiB do not.
    Narrow,
    /// The collector was reached and does not want this agent, or it the collector.
    Refused(String),
    Proxy(ProxyError),
    Other(String),
}

/// How long the handshake and 64 KiB there and back took, or why not.
type Tried = Result<String, Blocked>;

/// Tries the ways one after the other: two connections at a time, beside the running agent's, would
/// end one of them.
pub(super) async fn visit(
    collector: &str,
    credentials: &Credentials,
    proxies: &Proxies,
    clock: &Clock,
    deadline: Instant,
) -> Visit {
    let ways = async {
        let found = lookup(collector).await;
        let udp = udp(found.as_deref().unwrap_or_default(), credentials).await;
        let tcp = tcp(collector, credentials, proxies, deadline).await;
        (found, udp, tcp)
    };
    let asking = timeout_at(deadline, clock::ask(collector, credentials, proxies, clock));
    let ((found, udp, tcp), clock) = tokio::join!(ways, asking);
    let proxy = proxies.towards(collector).map(|proxy| proxy.to_string());
    let checks = vec![
        dns_check(&found, tcp.is_ok()),
        udp_check(&udp, &tcp),
        way_check("tcp", &tcp, udp.is_ok()),
        proxy_check(proxy.as_deref(), &tcp, udp.is_ok()),
    ];
    Visit {
        checks: checks.into_iter().map(|check| check.about(collector)).collect(),
        clock: clock.unwrap_or(Err(NoClock::NotReached)),
    }
}

async fn lookup(collector: &str) -> Result<Vec<SocketAddr>, String> {
    match timeout(LOOKUP_LIMIT, tokio::net::lookup_host(collector)).await {
        Ok(Ok(found)) => Ok(found.collect()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer".to_owned()),
    }
}

/// The first address of each family.
async fn udp(addresses: &[SocketAddr], credentials: &Credentials) -> Tried {
    let v4 = addresses.iter().find(|address| address.is_ipv4());
    let v6 = addresses.iter().find(|address| address.is_ipv6());
    let tries: Vec<SocketAddr> = [v6, v4].into_iter().flatten().copied().collect();
    let share = UDP_LIMIT / u32::try_from(tries.len().max(1)).unwrap_or(1);
    let mut last = Err(Blocked::NotTried("it has no address".to_owned()));
    for address in tries {
        let tls = credentials.tls().map_err(|error| Blocked::Other(chain(&error)))?;
        let began = Instant::now();
        last = match timeout(share, quic::dial(address, tls)).await {
            Ok(Ok(session)) => {
                let tried = echo(&session, began, Instant::now() + ECHO_LIMIT).await;
                return tried.map(|took| format!("{address}, {took}"));
            }
            Ok(Err(error)) => Err(blocked(error)),
            Err(_) => Err(Blocked::Silent),
        };
    }
    last
}

async fn tcp(
    collector: &str,
    credentials: &Credentials,
    proxies: &Proxies,
    deadline: Instant,
) -> Tried {
    let tls = credentials.tls().map_err(|error| Blocked::Other(chain(&error)))?;
    let began = Instant::now();
    let dialled = tcp::dial(collector, proxies.towards(collector), tls);
    match timeout_at(deadline, dialled).await {
        Ok(Ok(session)) => echo(&session, began, deadline).await,
        // Behind a proxy it is the proxy that knows.
        Ok(Err(TransportError::Connect { .. }))
            if proxies.towards(collector).is_none() && is_closed(collector).await =>
        {
            Err(Blocked::Closed(collector.to_owned()))
        }
        Ok(Err(error)) => Err(blocked(error)),
        Err(_) => Err(Blocked::Silent),
    }
}

/// Whether each address of it refuses a connection: the failure of a session does not keep the kind of
/// its error.
async fn is_closed(collector: &str) -> bool {
    let refusal = async {
        for address in tokio::net::lookup_host(collector).await.ok()? {
            let tried = TcpStream::connect(address).await;
            tried.err().filter(|error| error.kind() == io::ErrorKind::ConnectionRefused)?;
        }
        Some(())
    };
    timeout(LOOKUP_LIMIT, refusal).await.is_ok_and(|refused| refused.is_some())
}

async fn echo(session: &dyn Session, began: Instant, deadline: Instant) -> Tried {
    let handshake = began.elapsed();
    let probed = timeout_at(deadline, link::probe(session)).await;
    // Where the collector has hung up, its reason tells more than what broke by it.
    let hung_up = session.closed().now_or_never();
    session.close(BYE);
    // It is only said, not asked.
    let _ = timeout(CLOSE_LIMIT, session.closed()).await;
    match probed {
        Ok(Ok(took)) => Ok(format!(
            "handshake {} ms, 64 KiB there and back {} ms",
            handshake.as_millis(),
            took.as_millis()
        )),
        // Whoever hangs up after the handshake does not want us.
        Ok(Err(error)) => Err(Blocked::Refused(hung_up.unwrap_or_else(|| chain(&error)))),
        Err(_) => Err(Blocked::Narrow),
    }
}

fn blocked(error: TransportError) -> Blocked {
    match error {
        TransportError::Proxy(error) => Blocked::Proxy(error),
        TransportError::Refused { reason, .. } | TransportError::Closed { reason } => {
            Blocked::Refused(reason)
        }
        other => Blocked::Other(chain(&other)),
    }
}

fn dns_check(found: &Result<Vec<SocketAddr>, String>, another_way: bool) -> Check {
    const NAME: &str = "dns";
    match found {
        Ok(found) if !found.is_empty() => {
            let list: Vec<String> = found.iter().map(|one| one.ip().to_string()).collect();
            Check::ok(NAME, list.join(", "))
        }
        Ok(_) => Check::failed(NAME, "the name has no address", "check the name and the DNS zone"),
        Err(error) if another_way => {
            let found = format!("the name cannot be looked up here ({error}), but the proxy can");
            Check::warning(NAME, found, "let this host look the name up, so that UDP can be used")
        }
        Err(error) => {
            let found = format!("the name cannot be looked up: {error}");
            Check::failed(NAME, found, "check the name, and the name servers of this host")
        }
    }
}

/// Where nobody listens, nobody answers: what the network would do to UDP is not known.
fn udp_check(udp: &Tried, tcp: &Tried) -> Check {
    match (udp, tcp) {
        (Err(Blocked::Silent | Blocked::Other(_)), Err(Blocked::Closed(_))) => {
            Check::skipped("udp", "no answer; see tcp first")
        }
        _ => way_check("udp", udp, tcp.is_ok()),
    }
}

/// A way that is closed is a failure only where the other is closed too.
fn way_check(name: &'static str, tried: &Tried, other_is_open: bool) -> Check {
    let (found, advice) = match tried {
        Ok(found) => return Check::ok(name, found),
        Err(Blocked::NotTried(why)) => return Check::skipped(name, why.clone()),
        Err(Blocked::Proxy(_)) => return Check::skipped(name, "the proxy does not let it through"),
        Err(Blocked::Refused(reason)) => {
            let advice = "see the clock below; if it is right, look whether the collector has \
                          revoked this agent, and enrol again with a new token and --force";
            return Check::failed(name, format!("reached, and then refused: {reason}"), advice);
        }
        Err(Blocked::Closed(collector)) => (
            format!("nothing listens at {collector}, or a firewall refuses for it"),
            "look whether the collector is running and which port leads to it; then whether a \
             firewall at this site refuses TCP to it",
        ),
        Err(Blocked::Silent) => ("no answer".to_owned(), open(name)),
        Err(Blocked::Other(reason)) => (reason.clone(), open(name)),
        Err(Blocked::Narrow) => (
            "small packets get through, 64 KiB do not".to_owned(),
            "look for a tunnel or a firewall on the way that drops large packets or slows them down",
        ),
    };
    match other_is_open {
        true => Check::warning(name, found, advice),
        false => Check::failed(name, found, advice),
    }
}

fn open(name: &str) -> &'static str {
    match name {
        "udp" => "let UDP out to this port and its answers in; without it the agent uses TCP",
        _ => "let TCP out to this port, or set uplink.proxy; see that the collector runs",
    }
}

fn proxy_check(proxy: Option<&str>, tcp: &Tried, udp_is_open: bool) -> Check {
    const NAME: &str = "proxy";
    let Some(proxy) = proxy else {
        return Check::skipped(NAME, "none in the configuration or the environment");
    };
    let Err(Blocked::Proxy(error)) = tcp else {
        return match tcp {
            Err(Blocked::Silent) => {
                Check::skipped(NAME, format!("{proxy}: no answer from behind it"))
            }
            _ => Check::ok(NAME, format!("{proxy} lets this connection through")),
        };
    };
    let advice = match error {
        ProxyError::Password { .. } => {
            "put the user and the password into uplink.proxy: http://USER:PASSWORD@HOST:PORT"
        }
        ProxyError::Url | ProxyError::Refused { .. } => {
            "check the user and the password in uplink.proxy or HTTPS_PROXY, and let the proxy \
             CONNECT to this port"
        }
    };
    let found = chain(error);
    if udp_is_open {
        Check::warning(NAME, found, advice)
    } else {
        Check::failed(NAME, found, advice)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn one_way_is_enough_and_a_refusal_is_never() {
        let silent: Tried = Err(Blocked::Silent);
        let refused: Tried = Err(Blocked::Refused("revoked".into()));
        assert_eq!(way_check("udp", &silent, true).verdict, Verdict::Warning);
        assert_eq!(way_check("udp", &silent, false).verdict, Verdict::Failed);
        assert_eq!(way_check("udp", &Err(Blocked::Narrow), true).verdict, Verdict::Warning);
        assert_eq!(way_check("tcp", &refused, true).verdict, Verdict::Failed);
        assert_eq!(way_check("tcp", &Ok(String::new()), false).verdict, Verdict::Ok);
    }

    #[test]
    fn nobody_who_listens_is_no_firewall() {
        let closed: Tried = Err(Blocked::Closed("noc:443".into()));
        let check = way_check("tcp", &closed, false);
        assert_eq!(check.verdict, Verdict::Failed);
        assert_eq!(check.found, "nothing listens at noc:443, or a firewall refuses for it");
        assert_eq!(udp_check(&Err(Blocked::Silent), &closed).verdict, Verdict::Skipped);
        // One port may be closed and the other open.
        assert_eq!(way_check("tcp", &closed, true).verdict, Verdict::Warning);
        assert_eq!(udp_check(&Ok(String::new()), &closed).verdict, Verdict::Ok);
    }

    #[test]
    fn a_name_that_only_the_proxy_knows_is_no_failure() {
        let unknown = Err("no such name".to_owned());
        assert_eq!(dns_check(&unknown, true).verdict, Verdict::Warning);
        assert_eq!(dns_check(&unknown, false).verdict, Verdict::Failed);
        assert_eq!(dns_check(&Ok(Vec::new()), true).verdict, Verdict::Failed);
    }

    #[test]
    fn a_proxy_is_judged_by_what_it_does_for_tcp() {
        let wants = || ProxyError::Password { proxy: "proxy:3128".into() };
        let password: Tried = Err(Blocked::Proxy(wants()));
        let check = proxy_check(Some("proxy:3128"), &password, false);
        assert_eq!(check.verdict, Verdict::Failed);
        assert!(check.advice.unwrap().contains("USER:PASSWORD"));
        assert_eq!(proxy_check(Some("proxy:3128"), &password, true).verdict, Verdict::Warning);
        assert_eq!(proxy_check(None, &Ok(String::new()), false).verdict, Verdict::Skipped);
        // A collector behind it that refuses us is not the proxy's fault.
        let refused: Tried = Err(Blocked::Refused("revoked".into()));
        assert_eq!(proxy_check(Some("proxy:3128"), &refused, false).verdict, Verdict::Ok);
    }
}
