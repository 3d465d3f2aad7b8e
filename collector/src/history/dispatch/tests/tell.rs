//! Of which jobs which agents are told.

use super::*;

const DEVICES: &str =
    "INSERT INTO device (tenant_id, device_id, site_id, agent_id, name, host, port,
         interval_s, snmp_version, created_at)
     WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1039)
     SELECT 1, i, 5, 10, 'd', CAST(i AS TEXT), 161, 60, 'v2c', 0 FROM n";

#[tokio::test]
async fn a_device_that_moved_has_its_login_told_to_nobody() {
    for world in World::each().await {
        world.policy(Policy { per_site_max: 1, ..Policy::default() }).await;
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["running", "queued", "queued"]);
        world.asked();
        // To another agent, and the next job of the first one begins before anybody looks.
        world.run("UPDATE device SET agent_id = 11, host = 'h' WHERE device_id = 101").await;
        let first = dispatcher.board.acts(|_| None, world.now());
        assert_eq!(first, []);
        let running = "UPDATE config_job SET state = 'done' WHERE state = 'running'";
        world.run(running).await;
        let open = store::open(&world.db, |_| true).await.unwrap();
        dispatcher.board.read(open);
        dispatcher.act(world.now()).await.unwrap();
        dispatcher.all_sent(&world).await;
        let asked: Vec<i64> = world.asked().iter().map(|asked| asked.device_id).collect();
        assert!(!asked.contains(&SECOND.0), "{asked:?}");
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await)[1], "withdrawn");
        world.remove().await;
    }
}

#[tokio::test]
async fn a_device_of_another_address_ends_the_job_that_runs() {
    for world in World::each().await {
        world.run("DELETE FROM device WHERE device_id <> 100").await;
        world.dispatcher().whole_turn(&world).await;
        assert_eq!(world.asked()[0].host, "192.0.2.1");
        world.run("UPDATE device SET host = '192.0.2.99' WHERE device_id = 100").await;
        // Its agent is told again, before anybody looks.
        let mut restarted = world.dispatcher();
        restarted.read_at = Some(world.now().at + READ_EVERY);
        restarted.turn(world.now()).await.unwrap();
        restarted.all_sent(&world).await;
        assert_eq!(world.asked(), []);
        restarted.whole_turn(&world).await;
        restarted.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["withdrawn", "running"]);
        assert_eq!(world.asked()[0].host, "192.0.2.99");
        // The port counts, too.
        let port = BackupPatch { port: Some(2222), ..BackupPatch::default() };
        world.change(DEVICE, &port).await;
        restarted.whole_turn(&world).await;
        restarted.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["withdrawn", "withdrawn", "running"]);
        world.remove().await;
    }
}

/// An agent has as many as it can make use of, and who asks waits behind no backlog.
#[tokio::test]
async fn a_backlog_hides_no_wish() {
    for world in World::each().await {
        world.policy(Policy { per_site_max: 64, ..Policy::default() }).await;
        world.run("DELETE FROM device").await;
        world.run(DEVICES).await;
        world.agent.offline(true);
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        assert_eq!(world.jobs().await.len(), 40);
        let open = store::open(&world.db, |_| false).await.unwrap();
        assert_eq!(open.len(), 0, "jobs of agents that are away wait in the database");
        let last = world.jobs().await[39].0;
        assert!(matches!(world.ask(last).await, Asked::Open(_)));
        world.agent.offline(false);
        dispatcher.whole_turn(&world).await;
        let jobs = world.jobs().await;
        let running: Vec<_> = jobs.iter().filter(|(_, state)| state == "running").collect();
        assert_eq!(running.len(), PER_AGENT_MAX as usize);
        assert_eq!(jobs[39], (last, "running".to_owned()));
        let filter = JobFilter { state: "queued", ..JobFilter::default() };
        let page = (None, 1);
        let queued = job_list(&world.db, &world.context, &filter, page).await.unwrap();
        let running = Running::read(&world.db, &world.context).await.unwrap();
        let waits =
            |is_there: fn(AgentId) -> bool| queued[0].waits(&running, is_there, world.clock.now());
        assert_eq!(waits(|_| true), Some(Waits::SiteFull));
        assert_eq!(waits(|_| false), Some(Waits::AgentOffline));
        world.remove().await;
    }
}
