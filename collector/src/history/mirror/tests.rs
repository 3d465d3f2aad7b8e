use std::path::Path;

use super::*;
use crate::history::fixture::{FIRST_DEVICE, Place, SECOND_DEVICE};
use crate::store::fixture::TENANT;

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

    fn bare(&self) -> PathBuf {
        self.dir.path().join(DIR).join(format!("{TENANT}.git"))
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
        world.mirror.round().await;
        let third = world.place.fetch(3, FIRST_DEVICE, "hostname r1\nip b\nip c\n").await;
        world.place.fetch(4, FIRST_DEVICE, "hostname r1\nip b\nip c\n").await;
        world.mirror.round().await;
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
        world.mirror.round().await;
        world.place.fetch(7, FIRST_DEVICE, "line 7\n").await;
        let mut cut = Vec::new();
        let changes = [Change::Write { path: "here/r1.cfg", text: "half" }];
        let at = world.place.clock.now();
        let commit = Commit { at, subject: "cut", trailers: &[], changes: &changes, goes_on: true };
        write(&mut cut, &commit);
        assert!(world.mirror.repository(TENANT).import(&cut).await.is_err());
        world.restart(History::default());
        world.mirror.round().await;
        world.mirror.round().await;
        let whole = world.subjects().await;
        assert_eq!(whole.len(), 7);
        assert_eq!(world.git(&["show", "main:here/r1.cfg"]).await, "line 7\n");
        world.git(&["fsck", "--strict"]).await;
        let head = world.git(&["rev-parse", "main"]).await;
        std::fs::remove_dir_all(world.bare()).unwrap();
        world.mirror.round().await;
        assert_eq!(world.git(&["rev-parse", "main"]).await, head, "the same history is made");
        world.place.remove().await;
    }
}

#[tokio::test]
async fn files_move_with_the_names_and_go_with_the_devices() {
    for mut world in World::each().await {
        world.place.fetch(1, FIRST_DEVICE, "hostname r1\n").await;
        world.place.fetch(2, SECOND_DEVICE, "hostname r2\n").await;
        world.mirror.round().await;
        assert_eq!(world.files().await, ["here/r1.cfg", "here/r2.cfg"]);
        // Each gets the name of the other, and the site another one.
        world.place.run("UPDATE device SET name = 'r9' WHERE device_id = 100").await;
        world.place.run("UPDATE device SET name = 'r1' WHERE device_id = 101").await;
        world.place.run("UPDATE device SET name = 'r2' WHERE device_id = 100").await;
        world.mirror.round().await;
        assert_eq!(world.git(&["show", "main:here/r1.cfg"]).await, "hostname r2\n");
        assert_eq!(world.git(&["show", "main:here/r2.cfg"]).await, "hostname r1\n");
        world.place.run("UPDATE site SET name = 'Roof 7' WHERE site_id = 5").await;
        world.mirror.round().await;
        assert_eq!(world.files().await, ["Roof-7/r1.cfg", "Roof-7/r2.cfg"]);
        world.place.run("DELETE FROM device WHERE device_id = 101").await;
        world.restart(History::default());
        world.mirror.round().await;
        assert_eq!(world.files().await, ["Roof-7/r2.cfg"]);
        let commits = world.subjects().await.len();
        world.mirror.round().await;
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
        world.mirror.round().await;
        assert_eq!((world.mirror.pushes.get(), world.mirror.pushes_failed.get()), (0, 1));
        // It is not tried again at once, and what is mirrored is there all the same.
        world.mirror.remotes.get_mut(&TENANT).unwrap().not_before =
            Some(world.place.clock.monotonic() + Duration::from_secs(60));
        world.mirror.round().await;
        assert_eq!(world.mirror.pushes_failed.get(), 1);
        assert_eq!(world.subjects().await.len(), 1);
        git(world.dir.path(), &["init", "--quiet", "--bare", "-b", "main", &path]).await;
        world.mirror.remotes.get_mut(&TENANT).unwrap().not_before = None;
        world.mirror.round().await;
        assert_eq!(world.mirror.pushes.get(), 1);
        let head = world.git(&["rev-parse", "main"]).await;
        assert_eq!(git(&remote, &["rev-parse", "main"]).await, head);
        world.mirror.round().await;
        assert_eq!(world.mirror.pushes.get(), 1, "there is nothing new");
        git(&remote, &["fsck", "--strict"]).await;
        world.place.remove().await;
    }
}
