//! Jobs that nobody wants any more, or that somebody took back.

use farwatch_common::clock::Micros;

use super::*;
use crate::history::job::cancel::{Cancel, job_cancel};
use crate::history::schedule::HINT_EVERY;

impl World {
    /// Takes the newest job back; tells when.
    async fn take_back(&self) -> Micros {
        let page = (None, 1);
        let jobs = job_list(&self.db, &self.context, &JobFilter::default(), page).await.unwrap();
        let now = self.clock.now();
        let ended = job_cancel(&self.db, &self.context, jobs[0].id, now).await.unwrap();
        assert!(matches!(ended, Cancel::Done(_)), "{ended:?}");
        now
    }
}

/// Its agent was told and had no room: nothing was tried, so that nothing can be another now.
#[tokio::test]
async fn what_somebody_took_back_is_not_looked_at_in_each_pass() {
    for world in World::each().await {
        world.run("DELETE FROM device WHERE device_id <> 100").await;
        world.agent.answers(Answers::With(Code::ResourceExhausted));
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["queued"]);
        assert_eq!(world.count("SELECT COUNT(*) FROM config_job WHERE host IS NOT NULL").await, 1);
        world.take_back().await;
        world.run("UPDATE backup SET failing = 'login', failing_since = 1").await;
        world.run("UPDATE device SET host = '192.0.2.99'").await;
        dispatcher.whole_turn(&world).await;
        let now = world.clock.now();
        let changed = plan::changed(&world.db, (TENANT, DeviceId(0)), now).await.unwrap();
        assert!(changed.to.is_none() && changed.devices.is_empty(), "{changed:?}");
        world.remove().await;
    }
}

/// Of a daily plan, of which two slots and a hint pass while the job waits for its agent.
#[tokio::test]
async fn what_somebody_took_back_waits_for_the_next_slot() {
    for world in World::each().await {
        world.run("DELETE FROM device WHERE device_id <> 100").await;
        world.agent.offline(true);
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        let plan = Policy::default().plan();
        for _ in 0..2 {
            world.pass(plan.every);
            dispatcher.hints.entry(TENANT).or_default().insert(DEVICE);
            dispatcher.whole_turn(&world).await;
        }
        assert_eq!(states(&world.jobs().await), ["queued"]);
        world.pass(HINT_EVERY);
        let now = world.take_back().await;
        world.agent.offline(false);
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["cancelled"], "it is not made again at once");
        let next = world.backup(DEVICE).await.next_at.unwrap();
        assert_eq!(
            next,
            plan.next_slot(DEVICE, now),
            "nor for what passed, nor as after a failure"
        );
        world.pass(next.since(now));
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["cancelled", "running"]);
        world.remove().await;
    }
}

#[tokio::test]
async fn a_tenant_whose_jobs_cannot_be_withdrawn_holds_up_no_other() {
    for world in World::each().await {
        world.agent.offline(true);
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        world.run("UPDATE agent SET revoked_at = 1").await;
        // As after a failed write, for half a minute.
        dispatcher.unplanned.insert(TENANT, world.now().at + PLAN_AGAIN);
        let others = store::unwanted(&world.db, [TENANT].into_iter()).await.unwrap();
        assert_eq!(others, []);
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["queued"; 3]);
        world.pass(PLAN_AGAIN);
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["withdrawn"; 3]);
        world.remove().await;
    }
}

#[tokio::test]
async fn what_nobody_wants_any_more_is_withdrawn() {
    for world in World::each().await {
        world.agent.offline(true);
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        world.change(DEVICE, &off()).await;
        world.run("UPDATE device SET agent_id = 11 WHERE device_id = 101").await;
        dispatcher.whole_turn(&world).await;
        let jobs = world.jobs().await;
        // The one that moved is wanted of its new agent.
        assert_eq!(states(&jobs), ["withdrawn", "withdrawn", "queued"]);
        dispatcher.whole_turn(&world).await;
        let jobs = world.jobs().await;
        assert_eq!(jobs[3..], [(SECOND, "queued".to_owned())]);
        assert_eq!(world.backup(DEVICE).await.failing, None, "nothing failed");
        // Of an agent that is revoked nothing more is wanted.
        world.run("UPDATE agent SET revoked_at = 1 WHERE agent_id = 11").await;
        dispatcher.whole_turn(&world).await;
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["withdrawn"; 4]);
        world.run("UPDATE agent SET revoked_at = NULL").await;
        world.run("UPDATE backup SET next_at = NULL").await;
        dispatcher.whole_turn(&world).await;
        // A device that is gone takes its jobs along.
        world.run("DELETE FROM device WHERE device_id = 110").await;
        world.agent.offline(false);
        dispatcher.whole_turn(&world).await;
        assert_eq!(world.asked().len(), 1);
        world.remove().await;
    }
}
