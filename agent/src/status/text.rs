//! Lines of the status for a person.

use std::fmt::Write as _;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::sample::Class;

use super::Status;
use super::process::Process;
use crate::buffer::Summary;

/// Less than this is everyday life of a link.
const LOSS_PERCENT_TOLD: f64 = 0.1;
/// A clock further off than this makes certificates and charts wrong.
const CLOCK_OFF_MAX: Duration = Duration::from_secs(2);
const MIB: u64 = 1024 * 1024;
const DAY_S: f64 = 86_400.0;

impl Status {
    /// Some lines for a person.
    #[must_use]
    pub fn to_text(&self, now: Micros) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<12} {value}");
        };
        match (&self.name, &self.agent) {
            (Some(name), Some(agent)) => {
                // A collector where somebody has given it another name does not tell that.
                line("identity", format!("{agent}, enrolled as {name}"));
                line("collectors", self.collectors.join(", "));
            }
            _ => line("identity", "not enrolled: run `farwatch-agent enroll`".into()),
        }
        if let Some(expires) = self.certificate_expires_us {
            line(
                "certificate",
                match now.0 < expires {
                    true => format!("good for {} h", Micros(expires).since(now).as_secs() / 3600),
                    false => "EXPIRED: enrol again with a new token and --force".into(),
                },
            );
        }
        if let Some(buffer) = &self.buffer {
            let age = buffer.oldest_us.map_or(0, |at| now.since(Micros(at)).as_secs());
            let (batches, kib) = (buffer.batches, buffer.bytes / 1024);
            line("buffer", format!("{batches} batches, {kib} KiB, oldest {age} s"));
            line("lost", lost_line(buffer));
            if let Some(room) = self.room_bytes {
                line("room", room_line(room, buffer.rate));
            }
        }
        if let Some(error) = &self.buffer_error {
            line("buffer", format!("cannot be read: {error}"));
        }
        match &self.running {
            None => line("agent", self.away()),
            Some(told) => {
                let age = self.age_ms.unwrap_or_default() / 1000;
                line("agent", format!("running, {} devices, as of {age} s ago", told["devices"]));
                if let Some(trouble) = told["buffer_trouble"].as_str() {
                    line("trouble", format!("nothing can be written to the buffer: {trouble}"));
                }
                if let Some(configs) = configs_line(&told["configs"]) {
                    line("configs", configs);
                }
                let uplink = &told["uplink"];
                line(
                    "uplink",
                    match uplink["connected"].as_bool() {
                        Some(true) => connected(uplink),
                        _ => match uplink["last_error"].as_str() {
                            Some(error) => format!("not connected: {error}"),
                            None => "connecting".into(),
                        },
                    },
                );
                // As measured in the session that is up.
                if uplink["connected"] == true
                    && let Some(offset) = uplink["clock_offset_us"].as_i64()
                {
                    line("clock", clock_line(offset));
                }
            }
        }
        text
    }

    /// Of an agent that does not run as it should.
    fn away(&self) -> String {
        let seconds = self.last_seen_ms.unwrap_or_default() / 1000;
        let process = self.pid.map_or("it".to_owned(), |pid| format!("process {pid}"));
        match self.process {
            Process::NotRunning | Process::Running => "not running".to_owned(),
            Process::Starting => "starting, or another command has the state directory".to_owned(),
            Process::Ended => {
                format!("not running: it ended without a goodbye, last seen {seconds} s ago")
            }
            Process::Stopped => {
                format!("not responding: a signal has stopped {process}, last seen {seconds} s ago")
            }
            Process::NotResponding => {
                format!("not responding: {process} has told nothing for {seconds} s")
            }
        }
    }
}

/// What was lost since the file was made.
fn lost_line(buffer: &Summary) -> String {
    let made = buffer.made_us.and_then(|us| jiff::Timestamp::from_microsecond(us).ok());
    let since = made.map(|made| format!("since {}", made.strftime("%Y-%m-%d")));
    let lost: Vec<String> =
        buffer.losses.iter().filter_map(|(name, count)| lost_words(name, *count)).collect();
    match (lost.is_empty(), since) {
        (true, Some(since)) => format!("nothing {since}"),
        (true, None) => "nothing".to_owned(),
        (false, Some(since)) => format!("{since}: {}", lost.join(", ")),
        (false, None) => lost.join(", "),
    }
}

/// `None` of what is counted in rows too.
fn lost_words(name: &str, count: u64) -> Option<String> {
    if name == "crashes" {
        let times = if count == 1 { "a kill".to_owned() } else { format!("{count} kills") };
        return Some(format!("what was on its way to the disk at {times}"));
    }
    let (reason, class) = name.split_once("_rows_class_")?;
    let class = class.parse().ok().and_then(Class::from_wire).map_or("unknown", Class::name);
    let reason = match reason {
        "evicted" => "the buffer was full",
        "rejected" => "the collector refused it",
        "corrupt" => "damaged",
        other => other,
    };
    Some(match count {
        0 => format!("not counted of {class} ({reason})"),
        _ => format!("{count} rows of {class} ({reason})"),
    })
}

/// `rate` in bytes a second.
fn room_line(bytes: u64, rate: Option<f64>) -> String {
    let room = format!("{} MiB", bytes / MIB);
    match rate.map(|rate| bytes as f64 / rate / DAY_S) {
        Some(days) if days.is_finite() => {
            let shown = if days < 10.0 { format!("{days:.1}") } else { format!("{days:.0}") };
            format!("{room}, about {shown} days at this rate")
        }
        _ => room,
    }
}

/// Jobs and outcomes that wait; `None` if none does, as is usual.
fn configs_line(configs: &serde_json::Value) -> Option<String> {
    let count = |name: &str| configs[name].as_u64().unwrap_or(0);
    let (running, waiting, outcomes) = (count("running"), count("waiting"), count("outcomes"));
    let kib = count("outcome_bytes") / 1024;
    (running + waiting + outcomes > 0).then(|| {
        format!("{running} being fetched, {waiting} to fetch, {outcomes} to send ({kib} KiB)")
    })
}

/// Where to, over what, and why not over QUIC.
fn connected(uplink: &serde_json::Value) -> String {
    let text = |name: &str| uplink[name].as_str();
    let mut line = format!("connected to {}", text("collector").unwrap_or("?"));
    if let Some(transport) = text("transport") {
        let _ = write!(line, " over {transport}");
    }
    let reason = match text("transport_reason") {
        Some("udp_blocked") => " (UDP does not get through)",
        Some("quic_died") => " (QUIC went silent again and again)",
        Some("lossy") => " (UDP loses too much)",
        _ => "",
    };
    line.push_str(reason);
    if uplink["proxied"] == true {
        line.push_str(" through a proxy");
    }
    if let Some(round_trip) = uplink["round_trip_ms"].as_u64() {
        let _ = write!(line, ", {round_trip} ms away");
    }
    if let Some(lost) = uplink["lost_percent"].as_f64().filter(|lost| *lost >= LOSS_PERCENT_TOLD) {
        let _ = write!(line, ", {lost:.1} % of packets lost");
    }
    line
}

/// `offset_us` is how far the collector's clock is ahead of this host's.
fn clock_line(offset_us: i64) -> String {
    let off = Duration::from_micros(offset_us.unsigned_abs());
    let side = if offset_us > 0 { "behind" } else { "ahead of" };
    let advice = if off > CLOCK_OFF_MAX { "; set this host's clock" } else { "" };
    format!("{:.3} s {side} the collector's{advice}", off.as_secs_f64())
}
