//! How far this host's clock is from the collector's.
//!
//! A running agent knows it from its heartbeats. Else the door of enrolment is asked, which wants no
//! certificate and opens no session: the date of its answer, to the second.

use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::tls::{COLLECTOR_NAME, enroll_config, key_hash};
use farwatch_common::transport::tcp;
use rustls::CertificateError as Wrong;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tonic::body::Body;
use tonic::codegen::http::{Request, header};
use tower::{Service as _, ServiceExt as _};

use super::report::Check;
use crate::identity::{self, Credentials};
use crate::uplink::Proxies;

const NAME: &str = "clock";
const ADVICE: &str = "set this host's clock, best by NTP";
/// Worth a warning by more than this.
const OFF_MAX: Duration = Duration::from_secs(2);
/// Something is broken by more than this.
const FAR_OFF: Duration = Duration::from_secs(300);

/// How far a collector's clock is ahead of this host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    us: i64,
    /// How wrong that may be.
    give_us: i64,
}

/// Why a collector's clock is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoClock {
    /// Its certificate is not valid at what this host takes for now.
    OtherTime,
    NotReached,
}

/// What the running agent has noted.
pub(super) fn told(running: Option<&serde_json::Value>) -> Option<Offset> {
    let uplink = &running?["uplink"];
    let is_fresh = uplink["connected"].as_bool() == Some(true);
    let us = uplink["clock_offset_us"].as_i64().filter(|_| is_fresh)?;
    Some(Offset { us, give_us: 0 })
}

/// Asks the collector at `to`.
pub(super) async fn ask(
    to: &str,
    credentials: &Credentials,
    proxies: &Proxies,
    clock: &Clock,
) -> Result<Offset, NoClock> {
    let pin = key_hash(&credentials.root).map_err(|_| NoClock::NotReached)?;
    let stream = tcp::connect(to, proxies.towards(to).as_ref()).await;
    let stream = stream.map_err(|_| NoClock::NotReached)?;
    let name = ServerName::try_from(COLLECTOR_NAME).map_err(|_| NoClock::NotReached)?;
    let tls = enroll_config(pin, identity::certificate_time(Micros(0)));
    let connector = tokio_rustls::TlsConnector::from(tls);
    let stream = connector.connect(name, stream).await.map_err(|error| why(&error))?;
    let asked = clock.now();
    let date = date(stream).await.ok_or(NoClock::NotReached)?;
    Ok(offset(asked, clock.now(), date))
}

fn why(error: &std::io::Error) -> NoClock {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(
            Wrong::Expired
            | Wrong::ExpiredContext { .. }
            | Wrong::NotValidYet
            | Wrong::NotValidYetContext { .. },
        )) => NoClock::OtherTime,
        _ => NoClock::NotReached,
    }
}

/// The date of an answer, whatever else it says.
async fn date(stream: TlsStream<TcpStream>) -> Option<Micros> {
    let mut channel = identity::enroll_channel(stream).await.ok()?;
    let request = Request::get("/").body(Body::empty()).ok()?;
    let answer = channel.ready().await.ok()?.call(request).await.ok()?;
    let date = answer.headers().get(header::DATE)?.to_str().ok()?;
    let date = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(Micros(date.timestamp().as_microsecond()))
}

/// `date` was cut to the second, at some time between `asked` and `answered`.
fn offset(asked: Micros, answered: Micros, date: Micros) -> Offset {
    let half_a_second = Micros::SECOND / 2;
    let half = (answered.0 - asked.0) / 2;
    Offset { us: date.0 + half_a_second - (asked.0 + half), give_us: half_a_second + half }
}

/// The best that is known.
pub(super) fn check(told: Option<Offset>, asked: Vec<Result<Offset, NoClock>>) -> Check {
    let best = told.or_else(|| asked.iter().filter_map(|one| one.ok()).min_by_key(|o| o.give_us));
    match best {
        Some(offset) => judge(offset),
        None if asked.contains(&Err(NoClock::OtherTime)) => {
            let found = "the collector's certificate is not valid at what this host takes for now";
            Check::failed(NAME, found, ADVICE)
        }
        None => Check::skipped(NAME, "no collector could be asked for the time"),
    }
}

fn judge(offset: Offset) -> Check {
    let off = Duration::from_micros(offset.us.unsigned_abs());
    let certain = off.saturating_sub(Duration::from_micros(offset.give_us.unsigned_abs()));
    let side = if offset.us > 0 { "behind" } else { "ahead of" };
    let found = match offset.give_us {
        0 => format!("{:.3} s {side} the collector's", off.as_secs_f64()),
        _ if certain.is_zero() => "as the collector's, to the second".to_owned(),
        _ => format!("about {} s {side} the collector's", off.as_secs()),
    };
    if certain > FAR_OFF {
        Check::failed(NAME, found, ADVICE)
    } else if certain > OFF_MAX {
        Check::warning(NAME, found, ADVICE)
    } else {
        Check::ok(NAME, found)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn the_offset_is_known_as_well_as_the_answer_allows() {
        let s = |seconds: f64| Micros((seconds * 1e6) as i64);
        // The same clock: whatever the fraction, it is no further off than it may be.
        for asked in [100.0, 100.4, 100.9] {
            let offset = offset(s(asked), s(asked + 0.06), s(100.0));
            assert!(offset.us.abs() <= offset.give_us, "{asked}: {offset:?}");
            assert_eq!(judge(offset).found, "as the collector's, to the second");
        }
        let behind = offset(s(100.0), s(100.1), s(161.0));
        let check = judge(behind);
        assert_eq!(
            (check.verdict, check.found.as_str()),
            (Verdict::Warning, "about 61 s behind the collector's")
        );
        assert_eq!(judge(offset(s(5000.0), s(5000.1), s(100.0))).verdict, Verdict::Failed);
    }

    #[test]
    fn a_running_agent_knows_better() {
        let running = serde_json::json!({
            "uplink": { "connected": true, "clock_offset_us": -1_500_000 },
        });
        let asked = vec![Ok(Offset { us: 9_000_000, give_us: 500_000 })];
        let check = check(told(Some(&running)), asked);
        assert_eq!(check.found, "1.500 s ahead of the collector's");
        let gone = serde_json::json!({
            "uplink": { "connected": false, "clock_offset_us": -1_500_000 },
        });
        assert_eq!(told(Some(&gone)), None);
    }

    #[test]
    fn a_certificate_of_another_time_is_a_clock_that_is_wrong() {
        let check_of = |asked| check(None, asked).verdict;
        assert_eq!(
            check_of(vec![Err(NoClock::NotReached), Err(NoClock::OtherTime)]),
            Verdict::Failed
        );
        assert_eq!(check_of(vec![Err(NoClock::NotReached)]), Verdict::Skipped);
        let error = rustls::Error::InvalidCertificate(Wrong::NotValidYet);
        assert_eq!(why(&std::io::Error::other(error)), NoClock::OtherTime);
    }
}
