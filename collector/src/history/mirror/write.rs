//! Writes what the database has and the mirrors do not.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::{ConfigVersionId, TenantId};
use farwatch_common::task::chain;
use tokio_util::sync::CancellationToken;

use super::MirrorError;
use super::beside::Beside;
use super::config::History;
use super::git::{GitError, Repository};
use super::paths::{INDEX, Paths, index, paths, read_index};
use super::store::{Mirrored, devices, versions_after};
use super::stream::{BRANCH, Change, Commit, VERSION, end, write};
use crate::history::{VersionsChanged, tenants};
use crate::metrics::{Counter, Metrics};
use crate::store::Database;

/// Looks so often even if nobody says that there is a version: names change.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How far the mirror of a tenant is, as its repository says.
#[derive(Debug)]
struct State {
    /// `None`: there is no commit yet.
    last: Option<ConfigVersionId>,
    index: Paths,
}

pub(super) struct Writer {
    database: Database,
    dir: PathBuf,
    settings: History,
    versions: VersionsChanged,
    clock: Clock,
    beside: Arc<Beside>,
    states: BTreeMap<TenantId, State>,
    /// Remotes of no tenant, as they were told last.
    strangers: Vec<String>,
    commits: Counter,
    failed: Counter,
    damaged: Counter,
}

impl Writer {
    pub(super) fn new(
        (database, versions, clock): (Database, VersionsChanged, Clock),
        (dir, settings): (PathBuf, History),
        beside: Arc<Beside>,
        metrics: &Metrics,
    ) -> Self {
        let counter = |name, help| metrics.counter(name, help, &[]);
        Self {
            database,
            dir,
            settings,
            versions,
            clock,
            beside,
            states: BTreeMap::new(),
            strangers: Vec::new(),
            commits: counter("history_mirror_commits_total", "Commits of Git mirrors"),
            failed: counter("history_mirror_failed_total", "Rounds of a Git mirror that failed"),
            damaged: counter(
                "history_mirror_damaged_total",
                "Versions whose text is damaged or missing, mirrored as a note",
            ),
        }
    }

    /// Writes until `cancel`. A command that is under way then runs to its end.
    pub(super) async fn run(mut self, cancel: &CancellationToken) {
        while !cancel.is_cancelled() {
            self.round(cancel).await;
            tokio::select! {
                () = cancel.cancelled() => {}
                () = self.versions.wait() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Brings every mirror up to date.
    pub(super) async fn round(&mut self, cancel: &CancellationToken) {
        let tenants = match tenants(&self.database).await {
            Ok(tenants) => tenants,
            Err(error) => {
                tracing::warn!(stage = "history", error = chain(&error), "the mirrors wait");
                return;
            }
        };
        self.tell_strangers(&tenants);
        self.beside.health.keep(|tenant| tenants.iter().any(|(there, _)| *there == tenant));
        for (tenant, name) in tenants {
            if cancel.is_cancelled() {
                return;
            }
            // What is being packed waits for the next round.
            let Some(_writing) = self.beside.write(tenant) else { continue };
            let remote = self.settings.remote(tenant, &name).map(str::to_owned);
            let written = self.mirror(tenant, remote.as_deref(), cancel).await;
            self.beside
                .health
                .written(tenant, written.as_ref().copied().map_err(MirrorError::advice));
            if let Err(error) = written {
                // What is known of the repository may be wrong: it is asked again.
                self.states.remove(&tenant);
                self.failed.add(1);
                let error = chain(&error);
                tracing::warn!(stage = "history", %tenant, error, "the Git mirror waits");
            }
        }
    }

    /// Says once which remotes nobody is pushed to.
    fn tell_strangers(&mut self, tenants: &[(TenantId, String)]) {
        let strangers = self.settings.strangers(tenants);
        if strangers != self.strangers {
            let count = strangers.len();
            tracing::warn!(stage = "history", count, "history.git_remotes names unknown tenants");
            tracing::debug!(stage = "history", ?strangers, "no tenant has this name or id");
            self.strangers = strangers;
        }
    }

    async fn mirror(
        &mut self,
        tenant: TenantId,
        remote: Option<&str>,
        cancel: &CancellationToken,
    ) -> Result<(), MirrorError> {
        let repository = Repository::of(&self.dir, tenant);
        let mut state = match self.states.remove(&tenant).filter(|_| repository.is_there()) {
            Some(state) => state,
            None => {
                let (state, last_at) = look(&repository).await?;
                if let Some(at) = last_at {
                    self.beside.health.committed(tenant, at);
                    // Nobody knows what of it is at the remote.
                    self.beside.wrote(tenant, 0, remote);
                }
                state
            }
        };
        let wanted = paths(
            devices(&self.database, tenant)
                .await?
                .iter()
                .map(|(id, name, site)| (*id, name.as_str(), site.as_str())),
        );
        if let Some(at) = self.moved(&repository, &mut state, &wanted).await? {
            self.wrote(tenant, (1, at), remote);
        }
        while !cancel.is_cancelled() {
            let after = state.last.unwrap_or(ConfigVersionId(0));
            let group = versions_after(&self.database, tenant, after).await?;
            let written = self.versions(&repository, &mut state, &wanted, group).await?;
            let Some(written) = written else { break };
            self.wrote(tenant, written, remote);
        }
        self.states.insert(tenant, state);
        Ok(())
    }

    /// So many commits, and the time of the last.
    fn wrote(&self, tenant: TenantId, (commits, at): (u64, Micros), remote: Option<&str>) {
        self.commits.add(commits);
        self.beside.health.committed(tenant, at);
        self.beside.wrote(tenant, commits, remote);
    }

    /// Moves the files of devices that have other names now, and takes out those of devices that
    /// are gone; the time of the commit, if there were any.
    async fn moved(
        &self,
        repository: &Repository,
        state: &mut State,
        wanted: &Paths,
    ) -> Result<Option<Micros>, MirrorError> {
        let Some(last) = state.last else { return Ok(None) };
        let stale = |(id, path): &(&_, &String)| wanted.get(*id) != Some(*path);
        let stale: Vec<_> =
            state.index.iter().filter(stale).map(|(id, path)| (*id, path.clone())).collect();
        if stale.is_empty() {
            return Ok(None);
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
        let at = self.clock.now();
        let commit = Commit {
            at,
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
        Ok(Some(at))
    }

    /// Writes a group of versions, a commit each, and the index with the last; says how many, and the
    /// time of the last, if there are any.
    async fn versions(
        &self,
        repository: &Repository,
        state: &mut State,
        wanted: &Paths,
        group: Vec<Mirrored>,
    ) -> Result<Option<(u64, Micros)>, MirrorError> {
        // Those that came since the names were read wait for the next round.
        let known = group.into_iter().map_while(|version| {
            let path = wanted.get(&version.device)?;
            let text = version.text.as_ref().and_then(|text| text.open().ok());
            Some((version, path, text))
        });
        let known: Vec<_> = known.collect();
        let mut index_now = state.index.clone();
        for (version, path, _) in known.iter().filter(|(_, _, text)| text.is_some()) {
            index_now.insert(version.device, (*path).clone());
        }
        let listed = Some(index(&index_now)).filter(|_| index_now != state.index);
        let (mut last, mut stream, count) = (state.last, Vec::new(), known.len());
        for (place, (version, path, text)) in known.iter().enumerate() {
            let mut changes = Vec::new();
            match text {
                Some(text) => changes.push(Change::Write { path, text }),
                None => {
                    self.damaged.add(1);
                    tracing::error!(stage = "history", version = %version.id,
                        "the text of a version is damaged or missing: the mirror notes that");
                }
            }
            if place + 1 == count {
                changes.extend(listed.as_ref().map(|text| Change::Write { path: INDEX, text }));
            }
            let (subject, trailers) = (version.subject(text.is_some()), version.trailers());
            let commit = Commit {
                at: version.first_at,
                subject: &subject,
                trailers: &trailers,
                changes: &changes,
                goes_on: place == 0 && last.is_some(),
            };
            write(&mut stream, &commit);
            last = Some(version.id);
        }
        let Some((newest, ..)) = known.last() else { return Ok(None) };
        end(&mut stream);
        repository.import(&stream).await?;
        (state.index, state.last) = (index_now, last);
        Ok(Some((count as u64, newest.first_at)))
    }
}

/// How far a repository is, and the time of its last commit.
async fn look(repository: &Repository) -> Result<(State, Option<Micros>), MirrorError> {
    if repository.is_there() {
        // Of what was killed, or ran out of time: nobody else writes now.
        repository.tidy().await;
    } else {
        repository.init().await?;
    }
    let refs = repository.run("for-each-ref", &["--format=%(objectname)", BRANCH]).await?;
    if refs.is_empty() {
        return Ok((State { last: None, index: Paths::new() }, None));
    }
    let format = format!("--format=%ct %(trailers:key={VERSION},valueonly)");
    let told = repository.run("log", &["-1", &format, BRANCH]).await?;
    let (last, at) = commit(&String::from_utf8_lossy(&told)).ok_or(GitError::Foreign)?;
    let listed = repository.run("show", &[&format!("{BRANCH}:{INDEX}")]).await?;
    let index = read_index(&String::from_utf8_lossy(&listed));
    Ok((State { last: Some(last), index }, Some(at)))
}

/// The version of a commit of ours, and its time.
fn commit(told: &str) -> Option<(ConfigVersionId, Micros)> {
    let (seconds, version) = told.trim().split_once(' ')?;
    let at = seconds.parse::<i64>().ok()?.checked_mul(Micros::SECOND)?;
    Some((version.trim().parse().ok()?, Micros(at)))
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
