//! Core: a value with its unit, as people say it.

use std::iter::successors;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// Prefixes of 1,000 and of 1,024.
const DECIMAL: [&str; 6] = ["", "k", "M", "G", "T", "P"];
const BINARY: [&str; 6] = ["", "Ki", "Mi", "Gi", "Ti", "Pi"];

/// Digits after the point, of what is told in larger units, and of what would read the same.
const DIGITS: usize = 1;
const DIGITS_MAX: usize = 3;

/// The unit is that of a metric.
pub(super) fn figure(value: f64, unit: &str) -> String {
    with_digits(value, unit, DIGITS)
}

/// Two values that read differently if they are.
pub(super) fn pair(one: f64, other: f64, unit: &str) -> (String, String) {
    let (rough, too) = (figure(one, unit), figure(other, unit));
    if rough != too {
        return (rough, too);
    }
    (with_digits(one, unit, DIGITS_MAX), with_digits(other, unit, DIGITS_MAX))
}

fn with_digits(value: f64, unit: &str, digits: usize) -> String {
    let behind = match unit {
        "seconds" => return span(value, digits),
        "bytes" => return scaled(value, (1024.0, BINARY), "B", digits),
        "bits_per_second" => return scaled(value, (1000.0, DECIMAL), "bit/s", digits),
        "percent" => " %",
        "celsius" => " °C",
        "milliseconds" => " ms",
        "per_second" => "/s",
        "volts" => " V",
        "amperes" => " A",
        "watts" => " W",
        "hertz" => " Hz",
        "rpm" => " rpm",
        _ => "",
    };
    // Of these nobody reads thousandths.
    let is_rough = matches!(unit, "percent" | "celsius" | "milliseconds");
    let digits = if is_rough { digits } else { DIGITS_MAX };
    format!("{}{behind}", rounded(value, digits))
}

/// In the largest unit of which there is one.
fn span(seconds: f64, digits: usize) -> String {
    let units = [(DAY, "d"), (HOUR, "h"), (MINUTE, "min")];
    let fits = units.into_iter().find(|(length, _)| seconds.abs() >= *length);
    let (length, unit) = fits.unwrap_or((1.0, "s"));
    format!("{} {unit}", rounded(seconds / length, digits))
}

/// With the prefix that leaves less than a step, or the largest.
fn scaled(value: f64, (step, prefixes): (f64, [&str; 6]), unit: &str, digits: usize) -> String {
    let scales = successors(Some(value), |left| Some(left / step)).zip(prefixes);
    let fits = scales.clone().find(|(left, _)| left.abs() < step);
    let (left, prefix) = fits.or_else(|| scales.last()).unwrap_or((value, ""));
    format!("{} {prefix}{unit}", rounded(left, digits))
}

fn rounded(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let said = [90.0, 97.25, 0.1234, 100.0].map(|value| figure(value, "one"));
        assert_eq!(said, ["90", "97.25", "0.123", "100"]);
    }

    #[test]
    fn what_differs_reads_so() {
        let said = |one, other, unit| pair(one, other, unit);
        assert_eq!(said(92.0, 90.0, "seconds"), ("1.533 min".into(), "1.5 min".into()));
        assert_eq!(said(97.0, 90.0, "percent"), ("97 %".into(), "90 %".into()));
        assert_eq!(said(96.512, 95.0, "percent"), ("96.5 %".into(), "95 %".into()));
        assert_eq!(said(95.012, 95.0, "percent"), ("95.012 %".into(), "95 %".into()));
    }

    #[test]
    fn values_have_the_unit_that_people_say() {
        let said = [
            figure(97.0, "percent"),
            figure(11_955_929.34, "seconds"),
            figure(90.0, "seconds"),
            figure(0.0, "seconds"),
            figure(250_000_000.0, "bits_per_second"),
            figure(999.0, "bits_per_second"),
            figure(1536.0, "bytes"),
            figure(3e18, "bits_per_second"),
            figure(2.0, "one"),
        ];
        let expected = [
            "97 %",
            "138.4 d",
            "1.5 min",
            "0 s",
            "250 Mbit/s",
            "999 bit/s",
            "1.5 KiB",
            "3000 Pbit/s",
            "2",
        ];
        assert_eq!(said, expected);
    }
}
