//! Numbers as people say them. They come as decimal text, with the unit at the end of the metric's name.

use std::collections::BTreeMap;

const USED: &str = "_used_bytes";
const SIZE: &str = "_size_bytes";
/// Of laLoadInt (UCD-SNMP-MIB), in their order.
const LOADS: [(&str, &str); 3] =
    [("load_1m_ratio", "1"), ("load_5m_ratio", "5"), ("load_15m_ratio", "15")];

/// The metrics of an object. What it has used and its size are one figure, and a share behind it.
pub(super) fn figures(metrics: &BTreeMap<String, String>) -> Vec<String> {
    let mut told = Vec::new();
    for (name, value) in metrics {
        let other = |this: &str, other: &str| {
            name.strip_suffix(this).and_then(|of| metrics.get(&format!("{of}{other}")))
        };
        if let Some(size) = other(USED, SIZE) {
            told.extend([used_of(value, size), share(value, size)]);
        } else if other(SIZE, USED).is_none() {
            told.push(figure(name, value));
        }
    }
    told
}

/// A device's own metrics, by what they are. Its load is one line.
pub(super) fn named(metrics: &[(&String, &String)]) -> Vec<Vec<String>> {
    let of = |wanted: &str| metrics.iter().find(|(name, _)| *name == wanted);
    let loads = LOADS.iter().filter_map(|(name, minutes)| Some((of(name)?.1.as_str(), *minutes)));
    let (loads, minutes): (Vec<_>, Vec<_>) = loads.unzip();
    let load = match loads[..] {
        [] => None,
        _ => Some(format!("{} (over {} min)", loads.join("  "), minutes.join(", "))),
    };
    let load = load.map(|load| vec!["load".to_owned(), load]);
    let others = metrics.iter().filter(|(name, _)| LOADS.iter().all(|(load, _)| name != load));
    let others = others.map(|(name, value)| {
        let (words, _unit) = name.rsplit_once('_').unwrap_or((name, ""));
        vec![words.replace('_', " "), figure(name, value)]
    });
    load.into_iter().chain(others).collect()
}

/// One metric.
fn figure(name: &str, value: &str) -> String {
    let unit = match name.rsplit('_').next().unwrap_or_default() {
        "bytes" => return size(value),
        "seconds" => return span(value),
        "percent" => return value.parse().map(percent).unwrap_or_default(),
        // TruthValue (RFC 2579): the only state that a sensor of RFC 3433 has.
        "state" if value == "1" => return "true".to_owned(),
        "state" if value == "2" => return "false".to_owned(),
        "celsius" => " °C",
        "volts" => " V",
        "amperes" => " A",
        "watts" => " W",
        "hertz" => " Hz",
        "rpm" => " rpm",
        _ => "",
    };
    let short = match value.contains('.') {
        true => value.trim_end_matches('0').trim_end_matches('.'),
        false => value,
    };
    format!("{short}{unit}")
}

/// Octets.
pub(super) fn size(bytes: &str) -> String {
    let Some((number, unit)) = scaled(bytes) else { return String::new() };
    format!("{number} {unit}")
}

/// Two sizes; a unit that they share is told once.
fn used_of(used: &str, whole: &str) -> String {
    match (scaled(used), scaled(whole)) {
        (Some((used, unit)), Some((whole, same))) if unit == same => {
            format!("{used} of {whole} {unit}")
        }
        _ => format!("{} of {}", size(used), size(whole)),
    }
}

fn share(used: &str, whole: &str) -> String {
    match (used.parse::<f64>(), whole.parse::<f64>()) {
        (Ok(used), Ok(whole)) if whole > 0.0 => percent(100.0 * used / whole),
        _ => String::new(),
    }
}

fn percent(value: f64) -> String {
    format!("{value:.1} %")
}

/// With the prefix that leaves less than 1,024, as it is rounded.
fn scaled(bytes: &str) -> Option<(String, &'static str)> {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut number: f64 = bytes.parse().ok()?;
    let mut units = UNITS.into_iter().peekable();
    while let Some(unit) = units.next() {
        let digits = usize::from(unit != "B");
        if number < 1023.95 || units.peek().is_none() {
            return Some((format!("{number:.digits$}"), unit));
        }
        number /= 1024.0;
    }
    None
}

/// Bits per second; what a device does not know is 0.
pub(super) fn speed(bps: &str) -> String {
    let bps: u64 = bps.parse().unwrap_or(0);
    let units = [(1_000_000_000, "Gbit/s"), (1_000_000, "Mbit/s"), (1_000, "kbit/s"), (1, "bit/s")];
    let fits = |(unit, _): &(u64, &str)| bps >= *unit && bps.is_multiple_of((*unit / 10).max(1));
    let Some((unit, name)) = units.into_iter().find(fits) else { return String::new() };
    match bps % unit {
        0 => format!("{} {name}", bps / unit),
        rest => format!("{}.{} {name}", bps / unit, rest * 10 / unit),
    }
}

/// Seconds, with a fraction or without.
pub(super) fn span(seconds: &str) -> String {
    let whole = seconds.split('.').next().unwrap_or_default();
    let Ok(seconds) = whole.parse::<u64>() else { return String::new() };
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

pub(super) fn millis(seconds: &str) -> String {
    seconds.parse::<f64>().map(|seconds| format!("{:.1} ms", 1000.0 * seconds)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Vec<String> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        figures(&pairs.collect())
    }

    #[test]
    fn used_and_size_are_one_figure() {
        let used = |used, size| of(&[("memory_size_bytes", size), ("memory_used_bytes", used)]);
        assert_eq!(used("8266022912", "25276510208"), ["7.7 of 23.5 GiB", "32.7 %"]);
        assert_eq!(used("4849664", "25276510208"), ["4.6 MiB of 23.5 GiB", "0.0 %"]);
        assert_eq!(used("0", "0"), ["0 of 0 B", ""]);
        assert_eq!(of(&[("memory_used_bytes", "2255511552")]), ["2.1 GiB"]);
        assert_eq!(of(&[("storage_size_bytes", "4096")]), ["4.0 KiB"]);
    }

    #[test]
    fn values_have_the_unit_that_people_say() {
        for (name, value, wanted) in [
            ("cpu_busy_percent", "29", "29.0 %"),
            ("temperature_celsius", "41.500", "41.5 °C"),
            ("temperature_celsius", "-40", "-40 °C"),
            ("voltage_volts", "230.0", "230 V"),
            ("current_amperes", "0.000120", "0.00012 A"),
            ("power_watts", "100", "100 W"),
            ("frequency_hertz", "50.00", "50 Hz"),
            ("fan_speed_rpm", "5330", "5330 rpm"),
            ("sensor_state", "2", "false"),
            ("age_seconds", "100000.5", "1 d 3 h"),
            ("something", "7", "7"),
        ] {
            assert_eq!(of(&[(name, value)]), [wanted], "{name}");
        }
    }

    #[test]
    fn sizes_have_the_prefix_that_leaves_the_least() {
        let check = |bytes: &str, wanted: &str| assert_eq!(size(bytes), wanted);
        check("1023", "1023 B");
        check("1024", "1.0 KiB");
        check("1048500", "1023.9 KiB");
        check("1048550", "1.0 MiB");
        check("20310979061641441", "18.0 PiB");
        check("18446744073709551615", "16.0 EiB");
        check("x", "");
    }

    #[test]
    fn load_is_a_line_in_the_order_of_time() {
        let own = [
            ("load_15m_ratio", "4.01"),
            ("load_1m_ratio", "4.20"),
            ("load_5m_ratio", "4.90"),
            ("sessions_open_total", "3"),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let told = named(&own.each_ref().map(|(name, value)| (name, value)));
        assert_eq!(
            told,
            [["load", "4.20  4.90  4.01 (over 1, 5, 15 min)"], ["sessions open", "3"]]
        );
        assert!(named(&[]).is_empty());
    }

    #[test]
    fn numbers_are_made_readable() {
        let speeds =
            [("10000000", "10 Mbit/s"), ("64000", "64 kbit/s"), ("0", ""), ("9", "9 bit/s")];
        for (bps, wanted) in speeds {
            assert_eq!(speed(bps), wanted);
        }
        assert_eq!(["59.9", "61", "3600", "x"].map(span), ["59 s", "1 min", "1 h 0 min", ""]);
    }
}
