//! Which devices are looked at, and what nobody tells of.

use super::*;
use crate::history::version::list::{StandingFilter, standing_list};
use crate::inventory::Page;
use crate::inventory::profile::profile_list;

const DAY: Duration = Duration::from_secs(86_400);
const NEVER: &str = "next_at = 9223372036854775807";

impl World {
    async fn looked_at(&self, what: &str) -> i64 {
        self.count(&format!("SELECT COUNT(*) FROM backup WHERE tenant_id = 1 AND {what}")).await
    }

    /// Names of the devices that are listed as backed up.
    async fn standing(&self) -> usize {
        let page = Page { after: None, limit: 9 };
        let filter = StandingFilter::default();
        standing_list(&self.db, &self.context, &filter, &page).await.unwrap().rows.len()
    }

    /// Puts another password into the profile.
    async fn mend_login(&self) {
        let page = Page { after: None, limit: 9 };
        let profiles = profile_list(&self.db, &self.context, &page).await.unwrap();
        let patch = ProfilePatch { credential: Some(login("new").into()), ..Default::default() };
        let (id, now) = (profiles.rows[0].id, self.clock.now());
        profile_patch(&self.db, &self.vault, &self.context, id, &patch, now).await.unwrap();
    }
}

#[tokio::test]
async fn devices_that_nobody_backs_up_are_left_alone_until_something_changes() {
    for world in World::each().await {
        world.policy(Policy { enabled: false, ..Policy::default() }).await;
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        assert_eq!(world.looked_at(NEVER).await, 3);
        world.pass(DAY);
        world.db.ran.take();
        dispatcher.whole_turn(&world).await;
        let ran = world.db.ran.take();
        assert!(!ran.contains(&plan::LOOKED.to_string()), "{ran:?}");
        // As after another tag, of which nobody tells.
        world.run("UPDATE backup SET enabled = 1 WHERE device_id = 100").await;
        world.pass(CHANGED_EVERY);
        dispatcher.whole_turn(&world).await;
        assert_eq!(world.jobs().await, [(DEVICE, "running".to_owned())]);
        world.remove().await;
    }
}

#[tokio::test]
async fn the_list_has_the_devices_that_are_backed_up() {
    for world in World::each().await {
        world.agent.offline(true);
        let disabled = Policy { enabled: false, ..Policy::default() };
        world.policy(disabled.clone()).await;
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        assert_eq!(world.standing().await, 0);
        world.policy(Policy::default()).await;
        dispatcher.whole_turn(&world).await;
        assert_eq!(world.standing().await, 3);
        // Until they are looked at again they are what they were.
        world.policy(Policy { every_s: 3600, ..Policy::default() }).await;
        assert_eq!(world.standing().await, 3);
        world.policy(disabled).await;
        dispatcher.whole_turn(&world).await;
        assert_eq!(world.standing().await, 0);
        world.remove().await;
    }
}

#[tokio::test]
async fn what_is_not_backed_up_any_more_does_not_fail() {
    for world in World::each().await {
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        world.fail("login").await;
        dispatcher.whole_turn(&world).await;
        assert_eq!(dispatcher.troubled.len(), 4);
        assert!(!world.change(DEVICE, &off()).await, "no job is made for a device that is off");
        dispatcher.whole_turn(&world).await;
        assert_eq!(world.backup(DEVICE).await.failing, None);
        assert!(!dispatcher.troubled.contains_key(&(TENANT, DEVICE)));
        // Fetched by hand it may fail, and that is told with the job.
        world.run("UPDATE backup SET failing = 'login', failing_since = 1").await;
        world.pass(CHANGED_EVERY);
        dispatcher.whole_turn(&world).await;
        assert_eq!(world.backup(DEVICE).await.failing, None);
        assert!(world.backup(SECOND).await.failing.is_some());
        world.remove().await;
    }
}

#[tokio::test]
async fn who_mends_a_device_has_it_fetched_by_hand() {
    for world in World::each().await {
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        world.fail("login").await;
        let own = BackupPatch { login: Some(Some(login("its-own"))), ..BackupPatch::default() };
        assert!(world.change(DEVICE, &own).await);
        let job = world.backup(DEVICE).await.job.unwrap();
        assert_eq!((job.reason.name(), job.asked_by.is_some()), ("manual", true));
        world.remove().await;
    }
}

#[tokio::test]
async fn another_login_of_a_profile_ends_what_lasts() {
    for world in World::each().await {
        world.run("DELETE FROM device WHERE device_id <> 100").await;
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        world.fail("login").await;
        world.run("UPDATE backup SET next_at = NULL").await;
        dispatcher.whole_turn(&world).await;
        assert_eq!(world.jobs().await.len(), 1, "a wrong password is not tried again");
        world.mend_login().await;
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["login", "running"]);
        // If the new one is wrong too, that lasts.
        world.fail("login").await;
        world.run("UPDATE backup SET next_at = NULL").await;
        dispatcher.whole_turn(&world).await;
        assert_eq!(world.jobs().await.len(), 2);
        world.remove().await;
    }
}

#[tokio::test]
async fn an_agent_that_was_updated_is_not_too_old_any_more() {
    for world in World::each().await {
        world.run("DELETE FROM device WHERE device_id <> 100").await;
        world.agent.answers(Answers::With(Code::Unimplemented));
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        assert!(!world.backup(DEVICE).await.effective.0);
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["agent_too_old"]);
        world.run("UPDATE agent SET version = '9.9.9'").await;
        assert!(world.backup(DEVICE).await.effective.0);
        world.agent.answers(Answers::Well);
        world.pass(CHANGED_EVERY);
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["agent_too_old", "running"]);
        world.remove().await;
    }
}

#[tokio::test]
async fn a_look_that_is_out_of_date_overwrites_no_newer_wish() {
    for world in World::each().await {
        let now = world.clock.now();
        plan::note_new(&world.db).await.unwrap();
        let due = plan::due(&world.db, std::iter::empty(), now).await.unwrap();
        // Meanwhile somebody saves another policy; that the time is none is as it was.
        world.policy(Policy { enabled: false, ..Policy::default() }).await;
        for (tenant, devices) in due {
            plan::plan_tenant(&world.db, &world.ids, (tenant, devices), now).await.unwrap();
        }
        assert_eq!(world.looked_at("next_at IS NULL").await, 3);
        assert_eq!(world.jobs().await, []);
        world.remove().await;
    }
}

#[tokio::test]
async fn a_clock_that_was_ahead_stops_no_schedule() {
    for world in World::each().await {
        world.run("DELETE FROM device WHERE device_id <> 100").await;
        let year = 365 * DAY;
        world.clock.shift(i64::try_from(year.as_micros()).unwrap());
        world.dispatcher().whole_turn(&world).await;
        world.run("UPDATE config_job SET state = 'done', ended_at = created_at").await;
        world.dispatcher().whole_turn(&world).await;
        world.clock.shift(-i64::try_from(year.as_micros()).unwrap());
        world.dispatcher().whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["done", "running"]);
        let Asked::Open(job) = world.ask(DEVICE).await else { panic!("there is an open one") };
        assert_eq!(job.state, "running", "the newest, whatever its time");
        world.remove().await;
    }
}

#[tokio::test]
async fn what_ails_one_tenant_is_no_others() {
    for world in World::each().await {
        world
            .run(
                "INSERT INTO backup_policy (tenant_id, enabled, every_s, per_site_max, keep_days,
                                            keep_versions, updated_at)
                 VALUES (2, 1, 3600, -1, 1, 1, 0)",
            )
            .await;
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["running"; 3]);
        let again = "SELECT COUNT(*) FROM backup WHERE tenant_id = 2 AND next_at > 0";
        assert_eq!(world.count(again).await, 1, "it is not read each second");
        world.remove().await;
    }
}
