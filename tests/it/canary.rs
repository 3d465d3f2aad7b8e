//! Secrets are planted through the doors that people use; the installation is made to do what it
//! does, with everything logged; then each secret is looked for, in every form, in all that is
//! left: files, dumps, logs, processes, answers. Each is found where it is shown once or kept, and
//! nowhere else.

mod installation;
mod life;
mod search;

use std::collections::BTreeSet;

use farwatch_support::postgres::{INSTALLED, Postgres, SUPERUSER};
use sqlx::{Connection as _, PgConnection};

use self::installation::{Installation, Place, cluster};
use self::life::Life;
use self::search::{Planted, Search};

const SECRETS_MIN: usize = 20;
/// Planted where it must be found: what does not look there looks nowhere.
const SELF_TEST: &str = "self-test";

// Its routers answer while commands are waited for.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_left_anywhere_on_sqlite() {
    nothing_is_left(None, &life::ascii("database password")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_left_anywhere_on_postgresql() {
    let password = life::ascii("database password");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &password).unwrap();
    let Some(cluster) = cluster(file.path()).await else { return };
    nothing_is_left(Some(cluster), &password).await;
}

async fn nothing_is_left(cluster: Option<Postgres>, password: &str) {
    let mut it = Life::lived(cluster, password).await;
    let distinct: BTreeSet<&str> = it.planted.iter().map(|secret| secret.name).collect();
    assert_eq!(distinct.len(), it.planted.len(), "a secret is planted twice");
    assert!(distinct.len() >= SECRETS_MIN, "{distinct:?}");
    let mut places = it.processes();
    assert!(places.iter().any(|place| place.name == "cmdline of farwatch-collec"));
    let probes = self_test(&mut it).await;
    places.extend(it.dump().await);
    it.kill();
    places.extend(it.files());
    places.append(&mut it.told);
    for log in ["collector.log", "agent.log"] {
        let place = places.iter().find(|place| place.name == log).unwrap();
        let traced = String::from_utf8_lossy(&place.bytes).contains("\"level\":\"TRACE\"");
        assert!(traced, "{log} does not hold all that can be logged");
    }
    let mut hits = hits(&it.planted, &places);
    for probe in probes {
        let found = |hit: &Hit| hit.name == SELF_TEST && hit.place.starts_with(probe);
        assert!(hits.iter().any(found), "{probe} was not searched");
    }
    for secret in &it.planted {
        for home in secret.homes {
            let found = |hit: &Hit| hit.name == secret.name && hit.place == *home;
            assert!(hits.iter().any(found), "{} is not found in {home}", secret.name);
        }
    }
    let at_home = |hit: &Hit| {
        let homes = it.planted.iter().find(|secret| secret.name == hit.name).unwrap().homes;
        hit.name == SELF_TEST || homes.contains(&hit.place.as_str())
    };
    hits.retain(|hit| !at_home(hit));
    let bytes: usize = places.iter().map(|place| place.bytes.len()).sum();
    println!(
        "{} secrets, {} places of {} MB, {} hits",
        it.planted.len() - 1,
        places.len(),
        bytes / 1_000_000,
        hits.len()
    );
    let told: Vec<String> = hits
        .iter()
        .map(|Hit { name, form, place }| format!("the {name} as {form} in {place}"))
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// A secret where it may not be. The secret itself is not told.
struct Hit {
    name: &'static str,
    form: &'static str,
    place: String,
}

fn hits(planted: &[Planted], places: &[Place]) -> Vec<Hit> {
    let search = Search::new(planted);
    let of_place = |place: &Place| {
        let found = search.found(&place.bytes).into_iter();
        let hit = |(name, form)| Hit { name, form, place: place.name.clone() };
        found.map(hit).collect::<Vec<_>>()
    };
    places.iter().flat_map(of_place).collect()
}

/// Writes one secret to a file and to the database as it may not be written, and says where it must
/// be found.
async fn self_test(it: &mut Installation) -> Vec<&'static str> {
    let secret = life::plain("self-test");
    it.plant(Planted::new(SELF_TEST, secret.clone(), &[]));
    let written = data_encoding::BASE64.encode(format!("x{secret}").as_bytes());
    std::fs::write(it.state("collector/self-test"), written).unwrap();
    let insert = format!("CREATE TABLE self_test AS SELECT '{secret}' AS secret");
    let Some(cluster) = &it.cluster else {
        let file = it.state("collector/farwatch.db");
        rusqlite::Connection::open(file).unwrap().execute_batch(&insert).unwrap();
        return vec!["collector/self-test", "collector/farwatch.db-wal"];
    };
    let mut superuser = PgConnection::connect(&cluster.url(SUPERUSER, INSTALLED)).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(insert)).execute(&mut superuser).await.unwrap();
    vec![
        "collector/self-test",
        "pg_dump",
        "postgresql/log",
        "postgresql/data/base/",
        "postgresql/data/pg_wal/",
    ]
}
