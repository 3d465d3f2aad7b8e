use std::collections::BTreeMap;
use std::path::PathBuf;

use farwatch_common::clock::Micros;
use futures_util::future::poll_immediate;
use tokio::net::TcpListener;

use super::git::Repository;
use super::health::{MirrorHealth, MirrorState};
use super::paths::INDEX;
use super::stream::{Change, Commit, end, write};
use super::*;
use crate::history::fixture::{FIRST_DEVICE, Place, SECOND_DEVICE, days};
use crate::store::fixture::{OTHER_TENANT, TENANT};

/// What the real program says, beside the one that writes.
async fn git(dir: &Path, arguments: &[&str]) -> String {
    let mut command = tokio::process::Command::new("git");
    command.current_dir(dir).args(arguments).env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", dir);
    let output = command.output().await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

struct World {
    place: Place,
    dir: tempfile::TempDir,
    mirror: Mirror,
}

impl World {
    async fn each() -> Vec<Self> {
        let places = Place::each().await;
        places.into_iter().map(|place| Self::on(place, History::default())).collect()
    }

    fn on(place: Place, settings: History) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mirror = mirror(&place, dir.path(), settings);
        Self { place, dir, mirror }
    }

    /// As after a restart: nothing is known but what is on disk.
    fn restart(&mut self, settings: History) {
        self.mirror = mirror(&self.place, self.dir.path(), settings);
    }

    /// All that the mirror would do by now.
    async fn round(&mut self) {
        self.write().await;
        while self.mirror.beside.turn().await {}
    }

    async fn write(&mut self) {
        self.mirror.writer.round(&CancellationToken::new()).await;
    }

    fn repository(&self) -> Repository {
        Repository::of(&self.dir.path().join(DIR), TENANT)
    }

    fn bare(&self) -> PathBuf {
        self.dir.path().join(DIR).join(format!("{TENANT}.git"))
    }

    fn health(&self) -> MirrorHealth {
        self.mirror.health().of(TENANT)
    }

    fn pushes(&self) -> (u64, u64) {
        (self.mirror.beside.pushes.get(), self.mirror.beside.pushes_failed.get())
    }

    async fn git(&self, arguments: &[&str]) -> String {
        git(&self.bare(), arguments).await
    }

    async fn subjects(&self) -> Vec<String> {
        let log = self.git(&["log", "--reverse", "--format=%s", "main"]).await;
        log.lines().map(str::to_owned).collect()
    }

    async fn files(&self) -> Vec<String> {
        let files = self.git(&["ls-tree", "-r", "--name-only", "main"]).await;
        files.lines().filter(|path| *path != INDEX).map(str::to_owned).collect()
    }
}

fn mirror(place: &Place, dir: &Path, settings: History) -> Mirror {
    let (database, clock) = (place.db.clone(), place.clock.clone());
    Mirror::new(database, dir, settings, place.versions.clone(), clock, &Metrics::default())
}

#[tokio::test]
async fn a_clone_has_a_commit_for_each_version_and_no_secret() {
    for mut world in World::each().await {
        world.place.fetch(1, FIRST_DEVICE, "hostname r1\nip a\n").await;
        world.place.fetch(2, SECOND_DEVICE, "hostname r2\n").await;
        world.round().await;
        let third = world.place.fetch(3, FIRST_DEVICE, "hostname r1\nip b\nip c\n").await;
        world.place.fetch(4, FIRST_DEVICE, "hostname r1\nip b\nip c\n").await;
        world.round().await;
        let subjects = world.subjects().await;
        assert_eq!(subjects, ["r1: +2 −0 lines", "r2: +1 −0 lines", "r1: +2 −1 lines"]);
        world.git(&["fsck", "--strict", "--full"]).await;
        let clone = world.dir.path().join("clone");
        let from = world.bare();
        let arguments = ["clone", "--quiet", from.to_str().unwrap(), clone.to_str().unwrap()];
        git(world.dir.path(), &arguments).await;
        let text = std::fs::read_to_string(clone.join("here/r1.cfg")).unwrap();
        assert_eq!(text, "hostname r1\nip b\nip c\n");
        let trailers = git(&clone, &["log", "-1", "--format=%(trailers:only)"]).await;
        for expected in [
            format!("Farwatch-Device: {FIRST_DEVICE}\n"),
            format!("Farwatch-Version: {third}\n"),
            "Farwatch-Reason: manual\n".to_owned(),
            "Farwatch-Platform: ios\n".to_owned(),
            "Farwatch-Asked-By: noc\n".to_owned(),
        ] {
            assert!(trailers.contains(&expected), "{expected} is not in {trailers}");
        }
        let first_at =
            format!("SELECT first_at FROM config_version WHERE version_id = {}", third.0);
        let first_at = world.place.count(&first_at).await / 1_000_000;
        let times = git(&clone, &["log", "-1", "--format=%at %ct %an"]).await;
        assert_eq!(times.trim(), format!("{first_at} {first_at} Farwatch"));
        let all = git(&clone, &["log", "-p", "--all"]).await;
        assert!(all.contains("+ip c") && !all.contains("s3cr3t"), "{all}");
        world.place.remove().await;
    }
}

#[tokio::test]
async fn a_mirror_goes_on_after_a_crash_and_is_made_anew_when_it_is_lost() {
    for mut world in World::each().await {
        for number in 1..=6 {
            world.place.fetch(number, FIRST_DEVICE, &format!("line {number}\n")).await;
        }
        // A process that died while it wrote: no commit of its stream counts.
        world.round().await;
        world.place.fetch(7, FIRST_DEVICE, "line 7\n").await;
        let mut cut = Vec::new();
        let changes = [Change::Write { path: "here/r1.cfg", text: "half" }];
        let at = world.place.clock.now();
        let commit = Commit { at, subject: "cut", trailers: &[], changes: &changes, goes_on: true };
        write(&mut cut, &commit);
        assert!(world.repository().import(&cut).await.is_err());
        world.restart(History::default());
        world.round().await;
        world.round().await;
        let whole = world.subjects().await;
        assert_eq!(whole.len(), 7);
        assert_eq!(world.git(&["show", "main:here/r1.cfg"]).await, "line 7\n");
        world.git(&["fsck", "--strict"]).await;
        let tree = world.git(&["rev-parse", "main^{tree}"]).await;
        std::fs::remove_dir_all(world.bare()).unwrap();
        world.round().await;
        assert_eq!(world.git(&["rev-parse", "main^{tree}"]).await, tree);
        assert_eq!(world.subjects().await, whole, "the same history is made");
        world.place.remove().await;
    }
}

#[tokio::test]
async fn files_move_with_the_names_and_go_with_the_devices() {
    for mut world in World::each().await {
        world.place.fetch(1, FIRST_DEVICE, "hostname r1\n").await;
        world.place.fetch(2, SECOND_DEVICE, "hostname r2\n").await;
        world.round().await;
        assert_eq!(world.files().await, ["here/r1.cfg", "here/r2.cfg"]);
        // Each gets the name of the other, and the site another one.
        world.place.run("UPDATE device SET name = 'r9' WHERE device_id = 100").await;
        world.place.run("UPDATE device SET name = 'r1' WHERE device_id = 101").await;
        world.place.run("UPDATE device SET name = 'r2' WHERE device_id = 100").await;
        world.round().await;
        assert_eq!(world.git(&["show", "main:here/r1.cfg"]).await, "hostname r2\n");
        assert_eq!(world.git(&["show", "main:here/r2.cfg"]).await, "hostname r1\n");
        world.place.run("UPDATE site SET name = 'Roof 7' WHERE site_id = 5").await;
        world.round().await;
        assert_eq!(world.files().await, ["Roof-7/r1.cfg", "Roof-7/r2.cfg"]);
        world.place.run("DELETE FROM device WHERE device_id = 101").await;
        world.restart(History::default());
        world.round().await;
        assert_eq!(world.files().await, ["Roof-7/r2.cfg"]);
        let commits = world.subjects().await.len();
        world.round().await;
        assert_eq!(world.subjects().await.len(), commits, "nothing changed");
        world.git(&["fsck", "--strict"]).await;
        world.place.remove().await;
    }
}

#[tokio::test]
async fn a_mirror_is_pushed_and_waits_where_its_remote_is_away() {
    for mut world in World::each().await {
        let remote = world.dir.path().join("remote.git");
        let path = remote.to_str().unwrap().to_owned();
        let remotes = BTreeMap::from([(TENANT.to_string(), path.clone())]);
        world.restart(History { git_mirror: true, git_remotes: remotes });
        world.place.fetch(1, FIRST_DEVICE, "hostname r1\n").await;
        assert_eq!(world.health().state, MirrorState::Waiting, "nobody has looked yet");
        world.round().await;
        assert_eq!(world.pushes(), (0, 1));
        let health = world.health();
        let advice = "There is no repository at the remote: make an empty, bare one.";
        assert_eq!((health.state, health.detail), (MirrorState::Waiting, Some(advice)));
        // It is not tried again at once, and what is mirrored is there all the same.
        world.round().await;
        assert_eq!(world.pushes(), (0, 1));
        assert_eq!(world.subjects().await.len(), 1);
        git(world.dir.path(), &["init", "--quiet", "--bare", "-b", "main", &path]).await;
        world.mirror.beside.pause_is_over(TENANT);
        world.round().await;
        assert_eq!(world.pushes(), (1, 1));
        assert_eq!((world.health().state, world.health().detail), (MirrorState::Ok, None));
        let head = world.git(&["rev-parse", "main"]).await;
        assert_eq!(git(&remote, &["rev-parse", "main"]).await, head);
        world.round().await;
        assert_eq!(world.pushes(), (1, 1), "there is nothing new");
        git(&remote, &["fsck", "--strict"]).await;
        world.place.remove().await;
    }
}

#[tokio::test]
async fn a_mirror_tells_its_last_commit_and_what_is_in_its_way() {
    for mut world in World::each().await {
        world.round().await;
        let health = world.health();
        assert_eq!((health.state, health.last_commit_at), (MirrorState::Ok, None));
        world.place.fetch(1, FIRST_DEVICE, "hostname r1\n").await;
        world.round().await;
        let at = world.git(&["log", "-1", "--format=%ct", "main"]).await;
        let at = Micros(at.trim().parse::<i64>().unwrap() * Micros::SECOND);
        assert_eq!(world.health().last_commit_at, Some(at));
        world.restart(History::default());
        world.round().await;
        assert_eq!(world.health().last_commit_at, Some(at));
        // Somebody else commits.
        let mut stream = Vec::new();
        let commit = Commit { at, subject: "mine", trailers: &[], changes: &[], goes_on: true };
        write(&mut stream, &commit);
        end(&mut stream);
        world.repository().import(&stream).await.unwrap();
        world.restart(History::default());
        world.round().await;
        let health = world.health();
        assert_eq!(
            (health.state, health.detail),
            (MirrorState::Waiting, Some(GitError::Foreign.advice()))
        );
        let other = world.mirror.health().of(OTHER_TENANT);
        assert_eq!(other.state, MirrorState::Ok, "it is the other's own");
        std::fs::remove_dir_all(world.bare()).unwrap();
        world.round().await;
        assert_eq!(
            (world.health().state, world.health().last_commit_at),
            (MirrorState::Ok, Some(at))
        );
        world.place.remove().await;
    }
}

#[tokio::test]
async fn a_mirror_whose_git_was_killed_goes_on() {
    for mut world in World::each().await {
        world.place.fetch(1, FIRST_DEVICE, "hostname r1\n").await;
        world.round().await;
        let left = ["refs/heads/main.lock", "objects/pack/tmp_pack_1", "fast_import_crash_7"];
        for path in left {
            std::fs::write(world.bare().join(path), "").unwrap();
        }
        world.place.fetch(2, FIRST_DEVICE, "hostname r2\n").await;
        world.restart(History::default());
        world.round().await;
        assert_eq!(world.subjects().await.len(), 2);
        for path in left {
            assert!(!world.bare().join(path).exists(), "{path}");
        }
        // One that ran out of time leaves the same, without a restart.
        std::fs::write(world.bare().join(left[0]), "").unwrap();
        world.place.fetch(3, FIRST_DEVICE, "hostname r3\n").await;
        world.round().await;
        world.round().await;
        assert_eq!(world.subjects().await.len(), 3);
        world.git(&["fsck", "--strict"]).await;
        world.place.remove().await;
    }
}

#[tokio::test]
async fn a_damaged_text_is_a_note_and_holds_up_nothing() {
    for mut world in World::each().await {
        let damaged = world.place.fetch(1, FIRST_DEVICE, "hostname r1\n").await;
        let missing = world.place.fetch(2, SECOND_DEVICE, "hostname r2\n").await;
        for (version, what) in
            [(damaged, "UPDATE config_text SET packed = ''"), (missing, "DELETE FROM config_text")]
        {
            let of = "SELECT hash FROM config_version WHERE version_id =";
            world.place.run(&format!("{what} WHERE hash = ({of} {})", version.0)).await;
        }
        world.place.fetch(3, FIRST_DEVICE, "hostname r1\nip b\n").await;
        world.round().await;
        let subjects = world.subjects().await;
        let note = "the text of this version is damaged or missing";
        assert_eq!(subjects[..2], [format!("r1: {note}"), format!("r2: {note}")]);
        assert_eq!((subjects.len(), world.files().await), (3, vec!["here/r1.cfg".to_owned()]));
        world.restart(History::default());
        world.round().await;
        assert_eq!(world.subjects().await.len(), 3, "it is not looked at again");
        world.place.fetch(4, SECOND_DEVICE, "hostname r2\nip c\n").await;
        world.round().await;
        assert_eq!(world.files().await, ["here/r1.cfg", "here/r2.cfg"]);
        world.place.remove().await;
    }
}

#[tokio::test]
async fn a_remote_that_does_not_answer_holds_up_nobody() {
    for mut world in World::each().await {
        // Whoever connects waits: nobody takes the connection.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = format!("https://{}/a.git", silent.local_addr().unwrap());
        let remote = world.dir.path().join("remote.git");
        let path = remote.to_str().unwrap().to_owned();
        git(world.dir.path(), &["init", "--quiet", "--bare", "-b", "main", &path]).await;
        let remotes = BTreeMap::from([(TENANT.to_string(), to)]);
        world.restart(History { git_mirror: true, git_remotes: remotes });
        world.place.fetch(1, FIRST_DEVICE, "hostname r1\n").await;
        world.write().await;
        let beside = Arc::clone(&world.mirror.beside);
        let mut stuck = Box::pin(beside.turn());
        assert!(poll_immediate(&mut stuck).await.is_none());
        // Another tenant is pushed meanwhile, and this one is written.
        let other = Repository::of(&world.dir.path().join(DIR), OTHER_TENANT);
        other.init().await.unwrap();
        let mut stream = Vec::new();
        let at = world.place.clock.now();
        let one = Commit { at, subject: "one", trailers: &[], changes: &[], goes_on: false };
        write(&mut stream, &one);
        end(&mut stream);
        other.import(&stream).await.unwrap();
        beside.wrote(OTHER_TENANT, 1, Some(&path));
        assert!(beside.turn().await);
        assert_eq!(world.pushes(), (1, 0));
        world.place.fetch(2, FIRST_DEVICE, "hostname r2\n").await;
        world.write().await;
        assert_eq!(world.subjects().await.len(), 2);
        assert!(!beside.turn().await, "one push of a tenant at a time");
        assert!(poll_immediate(&mut stuck).await.is_none());
        drop(stuck);
        world.place.remove().await;
    }
}

#[tokio::test]
async fn a_mirror_is_packed_and_its_index_written_once_in_a_group() {
    for mut world in World::each().await {
        world.place.fetch(1, FIRST_DEVICE, "hostname r1\n").await;
        world.place.fetch(2, SECOND_DEVICE, "hostname r2\n").await;
        for number in 3..=9 {
            world.place.fetch(number, FIRST_DEVICE, &format!("line {number}\n")).await;
        }
        world.write().await;
        let counted = async |world: &World, what: &str| {
            let counts = world.git(&["count-objects", "-v"]).await;
            let found = counts.lines().find_map(|line| line.strip_prefix(&format!("{what}: ")));
            found.unwrap().parse::<u32>().unwrap()
        };
        let of_index = world.git(&["log", "--format=%s", "main", "--", INDEX]).await;
        assert_eq!(of_index.lines().count(), 1, "{of_index}");
        assert!(counted(&world, "count").await > 9);
        while world.mirror.beside.turn().await {}
        assert_eq!((counted(&world, "count").await, counted(&world, "packs").await), (0, 1));
        // Many packs become one.
        for number in 0..25 {
            world.place.fetch(20 + number, FIRST_DEVICE, &format!("again {number}\n")).await;
            world.restart(History::default());
            world.round().await;
            assert_eq!(counted(&world, "count").await, 0);
        }
        assert!(counted(&world, "packs").await < 10);
        world.git(&["fsck", "--strict"]).await;
        assert_eq!(world.subjects().await.len(), 34);
        world.place.remove().await;
    }
}

#[tokio::test]
async fn what_comes_after_a_clock_that_was_ahead_is_mirrored() {
    for mut world in World::each().await {
        world.place.clock.shift(days(1));
        world.place.fetch(1, FIRST_DEVICE, "hostname r1\n").await;
        world.round().await;
        world.place.clock.shift(-days(1));
        world.place.restart().await;
        world.place.fetch(2, FIRST_DEVICE, "hostname r2\n").await;
        world.round().await;
        assert_eq!(world.git(&["show", "main:here/r1.cfg"]).await, "hostname r2\n");
        world.place.remove().await;
    }
}

#[tokio::test]
async fn a_commit_that_is_under_way_at_the_stop_is_written() {
    for mut world in World::each().await {
        world.place.fetch(1, FIRST_DEVICE, "hostname r1\n").await;
        world.write().await;
        world.place.fetch(2, FIRST_DEVICE, "hostname r2\n").await;
        // Git reads this before it moves the branch, and waits until we have opened it too.
        let refs = world.bare().join("packed-refs");
        let made = tokio::process::Command::new("mkfifo").arg(&refs).status().await.unwrap();
        assert!(made.success());
        let (cancel, over) = (CancellationToken::new(), CancellationToken::new());
        let (fifo, stop, end) = (refs.clone(), cancel.clone(), over.clone());
        let opened = tokio::task::spawn_blocking(move || {
            while !end.is_cancelled() {
                let pipe = std::fs::File::options().write(true).open(&fifo).unwrap();
                stop.cancel();
                drop(pipe);
            }
        });
        let fresh = mirror(&world.place, world.dir.path(), History::default());
        let stopped = std::mem::replace(&mut world.mirror, fresh);
        stopped.writer.run(&cancel).await;
        over.cancel();
        // Whoever opens it now need not wait.
        let both = std::fs::File::options().read(true).write(true).open(&refs).unwrap();
        opened.await.unwrap();
        drop(both);
        std::fs::remove_file(&refs).unwrap();
        assert_eq!(world.subjects().await.len(), 2);
        assert!(!world.bare().join("refs/heads/main.lock").exists());
        world.place.remove().await;
    }
}
