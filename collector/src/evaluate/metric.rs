//! Core: the values that rules can look at, by name, with their units and what they mean.

/// What a metric belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    Device,
    /// An object of a device: an interface, a processor, a disk, a sensor.
    Object,
}

impl About {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Object => "object",
        }
    }
}

/// A value that rules can look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    pub name: &'static str,
    /// A word or two.
    pub title: &'static str,
    pub unit: &'static str,
    pub about: About,
    pub words: &'static str,
}

/// The unit of what is 1 while something is so, and else 0.
pub const FLAG: &str = "flag";

const fn device(
    name: &'static str,
    title: &'static str,
    unit: &'static str,
    words: &'static str,
) -> Metric {
    Metric { name, title, unit, about: About::Device, words }
}

const fn object(
    name: &'static str,
    title: &'static str,
    unit: &'static str,
    words: &'static str,
) -> Metric {
    Metric { name, title, unit, about: About::Object, words }
}

/// All of them. What an agent tells of hosts and sensors goes by the name that the agent gives it
/// (HOST-RESOURCES-MIB, UCD-SNMP-MIB, ENTITY-SENSOR-MIB); the rest is reckoned here.
pub const METRICS: &[Metric] = &[
    device(
        "icmp_loss_percent",
        "packet loss",
        "percent",
        "echo requests without an answer, of a burst",
    ),
    device("icmp_rtt_ms", "round trip", "milliseconds", "round trip of an echo request"),
    device(
        "icmp_jitter_ms",
        "jitter",
        "milliseconds",
        "how much round trips differ within a burst",
    ),
    device(
        "snmp_rtt_ms",
        "answer time of SNMP",
        "milliseconds",
        "time the device takes to answer over SNMP",
    ),
    device("uptime_seconds", "uptime", "seconds", "time since the device was started"),
    device(
        "cpu_percent",
        "processor load",
        "percent",
        "load of the device, the mean of its processors",
    ),
    device("snmp_failed", "SNMP", FLAG, "1 while it is there and tells nothing over SNMP"),
    device(
        "ssh_host_key_changed",
        "SSH host key",
        FLAG,
        "1 while it shows another SSH host key than is pinned",
    ),
    device(
        "config_fetch_failed",
        "configuration",
        FLAG,
        "1 while the last fetch of its configuration failed",
    ),
    object("cpu_busy_percent", "load", "percent", "load of one processor"),
    object("load_1m_ratio", "load (1 min)", "ratio", "processes that want to run, over a minute"),
    object("load_5m_ratio", "load (5 min)", "ratio", "processes that want to run, over 5 minutes"),
    object(
        "load_15m_ratio",
        "load (15 min)",
        "ratio",
        "processes that want to run, over 15 minutes",
    ),
    object("memory_used_bytes", "memory in use", "bytes", "memory in use"),
    object("memory_size_bytes", "memory", "bytes", "memory there is"),
    object("memory_used_percent", "memory in use", "percent", "memory in use, of what there is"),
    object("storage_used_bytes", "space in use", "bytes", "space in use on a disk"),
    object("storage_size_bytes", "space", "bytes", "space on a disk"),
    object(
        "storage_used_percent",
        "space in use",
        "percent",
        "space in use on a disk, of what there is",
    ),
    object("temperature_celsius", "temperature", "celsius", "temperature of a sensor"),
    object("humidity_percent", "humidity", "percent", "relative humidity at a sensor"),
    object("voltage_volts", "voltage", "volts", "voltage at a sensor"),
    object("current_amperes", "current", "amperes", "current at a sensor"),
    object("power_watts", "power", "watts", "power at a sensor"),
    object("frequency_hertz", "frequency", "hertz", "frequency at a sensor"),
    object("fan_speed_rpm", "fan speed", "rpm", "turns of a fan"),
    object(
        "sensor_state",
        "state of the contact",
        "one",
        "what a contact says: 1 is true, 2 is false",
    ),
    object("if_in_bps", "traffic in", "bits_per_second", "traffic into an interface"),
    object("if_out_bps", "traffic out", "bits_per_second", "traffic out of an interface"),
    object(
        "if_in_utilisation_percent",
        "utilisation in",
        "percent",
        "traffic in, of the interface's speed",
    ),
    object(
        "if_out_utilisation_percent",
        "utilisation out",
        "percent",
        "traffic out, of the interface's speed",
    ),
    object("if_in_errors_per_s", "errors in", "per_second", "broken packets that came in"),
    object("if_out_errors_per_s", "errors out", "per_second", "packets that could not go out"),
    object(
        "if_in_discards_per_s",
        "discards in",
        "per_second",
        "packets thrown away on their way in",
    ),
    object(
        "if_out_discards_per_s",
        "discards out",
        "per_second",
        "packets thrown away on their way out",
    ),
];

/// What is told when it changes, and stands until then.
pub const STANDING: [&str; 2] = ["ssh_host_key_changed", "config_fetch_failed"];

#[must_use]
pub fn metric(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        assert_eq!(metric("cpu_percent").map(|metric| metric.about), Some(About::Device));
        assert_eq!(metric("cpu"), None);
    }
}
