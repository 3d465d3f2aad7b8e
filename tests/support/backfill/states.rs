//! How the states of a demo's devices changed before the demo: the collector keeps that only of what it
//! learns in time, and a history comes late. It is written beside the collector that serves, into its
//! SQLite file, for when the devices have answered: what it saw first then goes on from there.

use std::cmp::Reverse;
use std::iter::once;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use farwatch_collector::live::State;
use farwatch_common::clock::Micros;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::site::{Ago, Device, Site};

/// The collector writes, too.
const BUSY_MAX: Duration = Duration::from_secs(20);

// It is as old as its history.
const MADE: &str = "UPDATE device SET created_at = ?2 WHERE device_id = ?1";
const SEEN_FIRST: &str =
    "DELETE FROM device_state WHERE device_id = ?1 AND was IS NULL AND state = ?2";
const BEFORE: &str = "UPDATE device_state SET was = ?2 WHERE device_id = ?1 AND was IS NULL";
const ADD: &str = "INSERT INTO device_state (tenant_id, device_id, at, state, was)
    SELECT tenant_id, device_id, ?2, ?3, ?4 FROM device WHERE device_id = ?1";

/// Writes so many hours of it, up to `until`. Returns how many changes that are.
pub fn write(file: &Path, site: &Site, (hours, until): (u32, Micros)) -> anyhow::Result<usize> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let open = Connection::open_with_flags(file, flags);
    let mut db = open.with_context(|| file.display().to_string())?;
    db.busy_timeout(BUSY_MAX)?;
    let txn = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let began_s = i64::from(hours) * 3600;
    let at = |ago: i64| until.0 - ago * Micros::SECOND;
    let up = State::Up.name();
    let mut added = 0;
    for device in &site.devices {
        let id = device.id.0;
        txn.execute(MADE, params![id, at(began_s)])?;
        txn.execute(SEEN_FIRST, params![id, up])?;
        txn.execute(BEFORE, params![id, up])?;
        for (ago, state, was) in course(began_s, device, site.gap.as_ref()) {
            added += txn.execute(ADD, params![id, at(ago), state.name(), was.map(State::name)])?;
        }
    }
    txn.commit()?;
    Ok(added)
}

/// Each change: how long ago, what it became, what it was.
fn course(began_s: i64, device: &Device, gap: Option<&Ago>) -> Vec<(i64, State, Option<State>)> {
    let away = device.away.iter().map(|away| (away, State::Down));
    let away = away.chain(gap.map(|gap| (gap, State::Unknown)));
    let turns = away.filter(|(away, _)| away.end < began_s);
    let turns = turns.flat_map(|(away, is)| [(away.end, is), (away.start, State::Up)]);
    let mut turns: Vec<_> = once((began_s, State::Up)).chain(turns).collect();
    turns.sort_by_key(|(ago, _)| Reverse(*ago));
    let was = once(None).chain(turns.iter().map(|(_, state)| Some(*state)));
    turns.iter().zip(was).map(|((ago, state), was)| (*ago, *state, was)).collect()
}

#[cfg(test)]
mod tests {
    use farwatch_collector::store::Database;
    use farwatch_common::id::DeviceId;

    use super::*;

    const UNTIL: Micros = Micros(1_700_000_000 * Micros::SECOND);
    const HOUR_S: i64 = 3600;

    /// Away from and to.
    fn device(away: &[(i64, i64)]) -> Device {
        let away = away.iter().map(|(from, to)| *to..*from).collect();
        Device { name: "d".into(), id: DeviceId(7), interval_s: 30, away }
    }

    #[test]
    fn a_device_is_up_but_for_when_it_was_away_or_nobody_could_tell() {
        let (up, down, unknown) = (State::Up, State::Down, State::Unknown);
        let told = course(1000, &device(&[(20, 10), (300, 200)]), Some(&(50..60)));
        let wanted = [
            (1000, up, None),
            (300, down, Some(up)),
            (200, up, Some(down)),
            (60, unknown, Some(up)),
            (50, up, Some(unknown)),
            (20, down, Some(up)),
            (10, up, Some(down)),
        ];
        assert_eq!(told, wanted);
        // What was before the history is none of it.
        assert_eq!(course(100, &device(&[(300, 200)]), None), [(100, up, None)]);
    }

    #[tokio::test]
    async fn what_the_collector_saw_first_goes_on_from_the_history() {
        let dir = tempfile::tempdir().unwrap();
        Database::open(dir.path()).await.unwrap().close().await;
        let file = Database::file(dir.path());
        let db = Connection::open(&file).unwrap();
        let seen = |at: i64, state: &str, was: &str| {
            format!("INSERT INTO device_state VALUES (1, 7, {at}, '{state}', {was});")
        };
        let rows = [seen(UNTIL.0 - 5, "up", "NULL"), seen(UNTIL.0 + 5, "down", "'up'")].concat();
        db.execute_batch(&format!(
            "PRAGMA foreign_keys = OFF;
             INSERT INTO device (tenant_id, device_id, site_id, agent_id, name, host, port, interval_s,
                                 snmp_version, created_at)
             VALUES (1, 7, 1, 1, 'd', '192.0.2.1', 161, 30, '2c', {0});
             {rows}",
            UNTIL.0
        ))
        .unwrap();
        let site = Site { devices: vec![device(&[(2 * HOUR_S, HOUR_S)])], gap: None };
        assert_eq!(write(&file, &site, (24, UNTIL)).unwrap(), 3);
        let began = UNTIL.0 - 24 * HOUR_S * Micros::SECOND;
        let made: i64 =
            db.query_row("SELECT created_at FROM device", [], |row| row.get(0)).unwrap();
        assert_eq!(made, began);
        let mut kept = db.prepare("SELECT at, state, was FROM device_state ORDER BY at").unwrap();
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let kept: Vec<(i64, String, Option<String>)> =
            kept.query_map([], row).unwrap().map(Result::unwrap).collect();
        let states: Vec<_> =
            kept.iter().map(|(_, is, was)| (is.as_str(), was.as_deref())).collect();
        let (up, down) = (Some("up"), Some("down"));
        assert_eq!(states, [("up", None), ("down", up), ("up", down), ("down", up)]);
        assert_eq!((kept[0].0, kept[3].0), (began, UNTIL.0 + 5));
    }
}
