//! Stage **mirror**: versions as commits of a bare Git repository per tenant, where the
//! administrator's file says so (docs/adr/0013-git-mirror.md).
//!
//! - in: versions, in the order of their ids; names of devices and sites
//! - out: a commit for each version, one for devices that moved or went; a push to the remote
//! - bound: [`GROUP`] versions in one run of `git fast-import`, a tenant after the other
//! - when full: versions wait in the database
//! - on crash: a run counts whole or not at all, and the branch says how far the mirror is; one
//!   that is lost is made anew from the database

pub mod config;
pub mod git;
mod paths;
pub(crate) mod store;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use farwatch_common::backoff::Backoff;
use farwatch_common::clock::Clock;
use farwatch_common::id::{ConfigVersionId, TenantId};
use farwatch_common::task::chain;
use tokio_util::sync::CancellationToken;

use self::config::History;
use self::git::{GitError, Repository, check};
use self::paths::{INDEX, Paths, index, paths, read_index};
use self::store::{Mirrored, devices, tenants, versions_after};
use self::stream::{BRANCH, Change, Commit, VERSION, end, write};
use super::text::TextError;
use super::version::VersionsChanged;
use crate::metrics::{Counter, Metrics};
use crate::store::{Database, StoreError};

/// In the data directory.
const DIR: &str = "git";
/// Looks so often even if nobody says that there is a version: names change.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Versions that are written at once; each text may be 17 MiB.
const GROUP: u32 = 4;
/// Between two tries of a push.
const PAUSE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(1800));

/// Why the mirror of a tenant is not what the database is.
#[derive(Debug, thiserror::Error)]
enum MirrorError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("versions cannot be read")]
    Store(#[from] StoreError),
    #[error("the text of a version is damaged")]
    Text(#[from] TextError),
}

/// How far the mirror of a tenant is, as its repository says.
#[derive(Debug)]
struct State {
    /// `None`: there is no commit yet.
    last: Option<ConfigVersionId>,
    index: Paths,
}

/// What is known of a remote.
#[derive(Debug)]
struct Remote {
    /// All that is mirrored is there.
    is_even: bool,
    pause: Backoff,
    not_before: Option<Instant>,
}

impl Default for Remote {
    fn default() -> Self {
        let pause = Backoff::new(PAUSE.0, PAUSE.1);
        Self { is_even: false, pause, not_before: None }
    }
}

/// Writes the mirrors.
pub struct Mirror {
    database: Database,
    dir: PathBuf,
    settings: History,
    versions: VersionsChanged,
    clock: Clock,
    states: BTreeMap<TenantId, State>,
    remotes: BTreeMap<TenantId, Remote>,
    commits: Counter,
    failed: Counter,
    pushes: Counter,
    pushes_failed: Counter,
}

impl Mirror {
    #[must_use]
    pub fn new(
        database: Database,
        data_dir: &std::path::Path,
        settings: History,
        versions: VersionsChanged,
        clock: Clock,
        metrics: &Metrics,
    ) -> Self {
        let counter = |name, help| metrics.counter(name, help, &[]);
        Self {
            database,
            dir: data_dir.join(DIR),
            settings,
            versions,
            clock,
            states: BTreeMap::new(),
            remotes: BTreeMap::new(),
            commits: counter("history_mirror_commits_total", "Commits of Git mirrors"),
            failed: counter("history_mirror_failed_total", "Rounds of a Git mirror that failed"),
            pushes: counter("history_mirror_pushes_total", "Pushes of Git mirrors"),
            pushes_failed: counter("history_mirror_pushes_failed_total", "Pushes that failed"),
        }
    }

    /// Mirrors until `cancel`.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), Infallible> {
        if let Err(error) = check().await {
            tracing::error!(stage = "history", error = chain(&error), "no Git mirror");
        }
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = self.round() => {}
            }
            let versions = self.versions.clone();
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = versions.wait() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Brings every mirror up to date, and pushes what is not pushed.
    async fn round(&mut self) {
        let tenants = match tenants(&self.database).await {
            Ok(tenants) => tenants,
            Err(error) => {
                tracing::warn!(stage = "history", error = chain(&error), "the mirrors wait");
                return;
            }
        };
        for (tenant, name) in tenants {
            if let Err(error) = self.mirror(tenant).await {
                // What is known of the repository may be wrong: it is asked again.
                self.states.remove(&tenant);
                self.failed.add(1);
                let error = chain(&error);
                tracing::warn!(stage = "history", %tenant, error, "the Git mirror waits");
            }
            let remote = self.settings.remote(tenant, &name).map(str::to_owned);
            if let Some(remote) = remote.filter(|_| self.states.contains_key(&tenant)) {
                self.push(tenant, &remote).await;
            }
        }
    }

    fn repository(&self, tenant: TenantId) -> Repository {
        Repository::at(self.dir.join(format!("{tenant}.git")))
    }

    async fn mirror(&mut self, tenant: TenantId) -> Result<(), MirrorError> {
        let repository = self.repository(tenant);
        if !repository.is_there() {
            self.states.remove(&tenant);
            repository.init().await?;
        }
        let mut state = match self.states.remove(&tenant) {
            Some(state) => state,
            None => look(&repository).await?,
        };
        let wanted = paths(
            devices(&self.database, tenant)
                .await?
                .iter()
                .map(|(id, name, site)| (*id, name.as_str(), site.as_str())),
        );
        if self.moved(&repository, &mut state, &wanted).await? {
            self.wrote(tenant, 1);
        }
        loop {
            let after = state.last.unwrap_or(ConfigVersionId(0));
            let group = versions_after(&self.database, tenant, after, GROUP).await?;
            let count = write_versions(&repository, &mut state, &wanted, group).await?;
            if count == 0 {
                break;
            }
            self.wrote(tenant, count);
        }
        self.states.insert(tenant, state);
        Ok(())
    }

    fn wrote(&mut self, tenant: TenantId, commits: u64) {
        self.commits.add(commits);
        self.remotes.entry(tenant).or_default().is_even = false;
    }

    /// Moves the files of devices that have other names now, and takes out those of devices that
    /// are gone; true if there were any.
    async fn moved(
        &self,
        repository: &Repository,
        state: &mut State,
        wanted: &Paths,
    ) -> Result<bool, MirrorError> {
        let Some(last) = state.last else { return Ok(false) };
        let stale = |(id, path): &(&_, &String)| wanted.get(*id) != Some(*path);
        let stale: Vec<_> =
            state.index.iter().filter(stale).map(|(id, path)| (*id, path.clone())).collect();
        if stale.is_empty() {
            return Ok(false);
        }
        let blobs = blobs(repository).await?;
        let mut changes: Vec<_> = stale.iter().map(|(_, path)| Change::Delete { path }).collect();
        let mut now = state.index.clone();
        for (id, path) in &stale {
            now.remove(id);
            // After all that goes: two devices may have changed names.
            if let (Some(to), Some(blob)) = (wanted.get(id), blobs.get(path)) {
                changes.push(Change::Put { path: to, blob });
                now.insert(*id, to.clone());
            }
        }
        let listed = index(&now);
        changes.push(Change::Write { path: INDEX, text: &listed });
        let commit = Commit {
            at: self.clock.now(),
            subject: "Devices moved or removed",
            trailers: &[(VERSION, last.to_string())],
            changes: &changes,
            goes_on: true,
        };
        let mut stream = Vec::new();
        write(&mut stream, &commit);
        end(&mut stream);
        repository.import(&stream).await?;
        state.index = now;
        Ok(true)
    }

    /// Pushes, unless all is there or the last try was just now.
    async fn push(&mut self, tenant: TenantId, to: &str) {
        let repository = self.repository(tenant);
        let has_commit = self.states.get(&tenant).is_some_and(|state| state.last.is_some());
        let now = self.clock.monotonic();
        let remote = self.remotes.entry(tenant).or_default();
        let waits = remote.not_before.is_some_and(|not_before| now < not_before);
        if remote.is_even || waits || !has_commit {
            return;
        }
        match repository.push(to, BRANCH).await {
            Ok(()) => {
                *remote = Remote { is_even: true, ..Remote::default() };
                self.pushes.add(1);
            }
            Err(error) => {
                let pause = remote.pause.next(rand::random());
                remote.not_before = Some(self.clock.monotonic() + pause);
                self.pushes_failed.add(1);
                let error = chain(&error);
                tracing::warn!(stage = "history", %tenant, error, "cannot push the Git mirror");
            }
        }
    }
}

/// How far a repository is.
async fn look(repository: &Repository) -> Result<State, MirrorError> {
    let refs = repository.run("for-each-ref", &["--format=%(objectname)", BRANCH]).await?;
    if refs.is_empty() {
        return Ok(State { last: None, index: Paths::new() });
    }
    let format = format!("--format=%(trailers:key={VERSION},valueonly)");
    let told = repository.run("log", &["-1", &format, BRANCH]).await?;
    let last = String::from_utf8_lossy(&told).trim().parse().map_err(|_| {
        let told = format!("{BRANCH} ends with a commit that is not Farwatch's: move it away");
        GitError::Failed { what: "log", told }
    })?;
    let listed = repository.run("show", &[&format!("{BRANCH}:{INDEX}")]).await?;
    Ok(State { last: Some(last), index: read_index(&String::from_utf8_lossy(&listed)) })
}

/// Names of contents by path.
async fn blobs(repository: &Repository) -> Result<BTreeMap<String, String>, MirrorError> {
    let tree = repository.run("ls-tree", &["-r", "-z", "--full-tree", BRANCH]).await?;
    let tree = String::from_utf8_lossy(&tree);
    let entry = |entry: &str| {
        let (about, path) = entry.split_once('\t')?;
        Some((path.to_owned(), about.rsplit(' ').next()?.to_owned()))
    };
    Ok(tree.split('\0').filter_map(entry).collect())
}

/// Writes a group of versions, a commit each; says how many.
async fn write_versions(
    repository: &Repository,
    state: &mut State,
    wanted: &Paths,
    group: Vec<Mirrored>,
) -> Result<u64, MirrorError> {
    let (mut index_now, mut last, mut count) = (state.index.clone(), state.last, 0);
    let mut stream = Vec::new();
    for version in group {
        // One that came since the names were read waits for the next round.
        let Some(path) = wanted.get(&version.device) else { break };
        let text = version.text.open()?;
        let mut changes = vec![Change::Write { path, text: &text }];
        let is_new = index_now.insert(version.device, path.clone()).is_none();
        let listed = index(&index_now);
        if is_new {
            changes.push(Change::Write { path: INDEX, text: &listed });
        }
        let (subject, trailers) = (version.subject(), version.trailers());
        let commit = Commit {
            at: version.first_at,
            subject: &subject,
            trailers: &trailers,
            changes: &changes,
            goes_on: count == 0 && last.is_some(),
        };
        write(&mut stream, &commit);
        (last, count) = (Some(version.id), count + 1);
    }
    if count > 0 {
        end(&mut stream);
        repository.import(&stream).await?;
        (state.index, state.last) = (index_now, last);
    }
    Ok(count)
}
