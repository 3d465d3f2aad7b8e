//! The devices of a demo's site, as `./x demo` writes them down: of each a line
//! `NAME ID INTERVAL_S [FROM_S TO_S]…`, the pairs being when it was away, and `gap FROM_S TO_S` for when
//! nobody could tell anything of the whole site. All in seconds before the end of the history.

use std::ops::Range;
use std::str::FromStr;

use anyhow::{Context as _, bail};
use farwatch_common::id::DeviceId;

/// Seconds before the end of the history, so what is later is less.
pub type Ago = Range<i64>;

#[derive(Debug, Default)]
pub struct Site {
    pub devices: Vec<Device>,
    pub gap: Option<Ago>,
}

#[derive(Debug)]
pub struct Device {
    pub name: String,
    pub id: DeviceId,
    pub interval_s: i64,
    pub away: Vec<Ago>,
}

impl FromStr for Site {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let mut site = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["gap", from, to] => site.gap = Some(ago(&[from, to])?),
                [name, id, interval_s, ref away @ ..] => site.devices.push(Device {
                    name: name.to_owned(),
                    id: id.parse().with_context(|| line.to_owned())?,
                    interval_s: interval_s.parse()?,
                    away: away.chunks(2).map(ago).collect::<anyhow::Result<_>>()?,
                }),
                _ => bail!("not a device: {line:?}"),
            }
        }
        Ok(site)
    }
}

fn ago(words: &[&str]) -> anyhow::Result<Ago> {
    let [from, to] = words else { bail!("not FROM_S TO_S: {words:?}") };
    Ok(to.parse()?..from.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_devices_and_when_they_were_away() {
        let id = DeviceId(7);
        let text = format!("gap 900 600\none {id} 30\ntwo {id} 15 80 70 20 10\n");
        let site: Site = text.parse().unwrap();
        assert_eq!(site.gap, Some(600..900));
        let [one, two] = &site.devices[..] else { panic!("{site:?}") };
        assert_eq!((one.id, one.interval_s, &one.away[..]), (id, 30, &[][..]));
        assert_eq!((two.name.as_str(), &two.away[..]), ("two", &[70..80, 10..20][..]));
        for wrong in ["one", "one x 30", &format!("one {id} 30 5"), "gap 900"] {
            assert!(wrong.parse::<Site>().is_err(), "{wrong}");
        }
    }
}
