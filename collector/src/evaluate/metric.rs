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
    pub unit: &'static str,
    pub about: About,
    pub words: &'static str,
}

/// The unit of what is 1 while something is so, and else 0.
pub const FLAG: &str = "flag";

const fn device(name: &'static str, unit: &'static str, words: &'static str) -> Metric {
    Metric { name, unit, about: About::Device, words }
}

const fn object(name: &'static str, unit: &'static str, words: &'static str) -> Metric {
    Metric { name, unit, about: About::Object, words }
}

/// All of them. What an agent tells of hosts and sensors goes by the name that the agent gives it
/// (HOST-RESOURCES-MIB, UCD-SNMP-MIB, ENTITY-SENSOR-MIB); the rest is reckoned here.
pub const METRICS: &[Metric] = &[
    device("icmp_loss_percent", "percent", "echo requests without an answer, of a burst"),
    device("icmp_rtt_ms", "milliseconds", "round trip of an echo request"),
    device("icmp_jitter_ms", "milliseconds", "how much round trips differ within a burst"),
    device("snmp_rtt_ms", "milliseconds", "time the device takes to answer over SNMP"),
    device("uptime_seconds", "seconds", "time since the device was started"),
    device("cpu_percent", "percent", "load of the device, the mean of its processors"),
    device("snmp_failed", FLAG, "1 while it is there and tells nothing over SNMP"),
    device("ssh_host_key_changed", FLAG, "1 while it shows another SSH host key than is pinned"),
    device("config_fetch_failed", FLAG, "1 while the last fetch of its configuration failed"),
    object("cpu_busy_percent", "percent", "load of one processor"),
    object("load_1m_ratio", "ratio", "processes that want to run, over a minute"),
    object("load_5m_ratio", "ratio", "processes that want to run, over 5 minutes"),
    object("load_15m_ratio", "ratio", "processes that want to run, over 15 minutes"),
    object("memory_used_bytes", "bytes", "memory in use"),
    object("memory_size_bytes", "bytes", "memory there is"),
    object("memory_used_percent", "percent", "memory in use, of what there is"),
    object("storage_used_bytes", "bytes", "room in use on a disk"),
    object("storage_size_bytes", "bytes", "room on a disk"),
    object("storage_used_percent", "percent", "room in use on a disk, of what there is"),
    object("temperature_celsius", "celsius", "temperature of a sensor"),
    object("humidity_percent", "percent", "relative humidity at a sensor"),
    object("voltage_volts", "volts", "voltage at a sensor"),
    object("current_amperes", "amperes", "current at a sensor"),
    object("power_watts", "watts", "power at a sensor"),
    object("frequency_hertz", "hertz", "frequency at a sensor"),
    object("fan_speed_rpm", "rpm", "turns of a fan"),
    object("sensor_state", "one", "what a contact says: 1 is true, 2 is false"),
    object("if_in_bps", "bits_per_second", "traffic into an interface"),
    object("if_out_bps", "bits_per_second", "traffic out of an interface"),
    object("if_in_utilisation_percent", "percent", "traffic in, of the interface's speed"),
    object("if_out_utilisation_percent", "percent", "traffic out, of the interface's speed"),
    object("if_in_errors_per_s", "per_second", "broken packets that came in"),
    object("if_out_errors_per_s", "per_second", "packets that could not go out"),
    object("if_in_discards_per_s", "per_second", "packets thrown away on their way in"),
    object("if_out_discards_per_s", "per_second", "packets thrown away on their way out"),
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
