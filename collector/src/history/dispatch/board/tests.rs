//! Which jobs go, case by case, without a clock.

use super::*;
use crate::history::schedule::Window;

const AGENT: AgentId = AgentId(1);
const NOON: Micros = Micros(1_000 * 86_400 * Micros::SECOND);

fn queued(job: i64) -> Open {
    Open {
        tenant: TenantId(1),
        job: ConfigJobId(job),
        device: DeviceId(job),
        site: SiteId(1),
        agent: AGENT,
        manual: false,
        is_running: false,
        plan: Plan { every: Duration::from_secs(86_400), window: None },
        per_site_max: 2,
    }
}

/// Each at an agent and a site of its own.
fn apart(tenant: i64, job: i64) -> Open {
    Open { tenant: TenantId(tenant), agent: AgentId(job), site: SiteId(job), ..queued(job) }
}

/// A board whose agents are all connected, over 7, as long as nothing else is said.
struct Table {
    board: Board,
    over: Option<u64>,
    now: Moment,
}

impl Table {
    fn of(open: impl IntoIterator<Item = Open>) -> Self {
        let mut board = Board::default();
        board.read(open.into_iter().collect());
        Self { board, over: Some(7), now: Moment { utc: NOON, at: Duration::ZERO } }
    }

    fn acts(&mut self) -> Vec<Act> {
        self.board.acts(|_| self.over, self.now)
    }

    /// The jobs that are sent now.
    fn sends(&mut self) -> Vec<i64> {
        let job = |act| match act {
            Act::Send(job, _) => Some(job.0),
            Act::Doubt(_) => None,
        };
        self.acts().into_iter().filter_map(job).collect()
    }

    fn sent(&mut self, job: i64, how: Sent) {
        self.board.sent(ConfigJobId(job), self.over.unwrap_or(7), how, self.now.at);
    }

    fn pass(&mut self, time: Duration) {
        self.now = Moment { utc: self.now.utc.after(time), at: self.now.at + time };
    }

    fn is_lost(&mut self, job: i64, kept: Option<i64>) -> bool {
        self.board.is_lost(ConfigJobId(job), kept, self.now.at)
    }
}

const SOON: Duration = Duration::from_secs(1);

#[test]
fn a_site_runs_as_many_as_it_may_one_call_after_the_other() {
    let mut table = Table::of([queued(1), queued(2), queued(3)]);
    table.over = None;
    assert_eq!(table.acts(), []);
    table.over = Some(7);
    assert_eq!(table.acts(), [Act::Send(ConfigJobId(1), 7)]);
    assert_eq!(table.acts(), [], "its agent is being called");
    table.sent(1, Sent::Taken);
    assert_eq!(table.sends(), [2]);
    table.sent(2, Sent::Taken);
    assert_eq!(table.acts(), [], "the site is full");
    table.board.gone(ConfigJobId(1));
    assert_eq!(table.sends(), [3]);
    // Other sites have their own places.
    table.board.open.insert(ConfigJobId(4), apart(1, 4));
    assert_eq!(table.sends(), [4]);
}

#[test]
fn what_runs_at_an_agent_that_is_away_holds_up_no_other_of_its_site() {
    let away = |job| Open { is_running: true, agent: AgentId(9), ..queued(job) };
    let mut table = Table::of([away(1), away(2), queued(3)]);
    let acts = table.board.acts(|agent| (agent == AGENT).then_some(7), table.now);
    assert_eq!(acts, [Act::Send(ConfigJobId(3), 7)]);
}

#[test]
fn who_asks_goes_first_and_waits_for_no_window() {
    let shut = Window { from_min: 60, to_min: 120 };
    let plan = Plan { window: Some(shut), ..queued(1).plan };
    let mut table =
        Table::of([Open { plan, ..queued(1) }, Open { plan, manual: true, ..queued(2) }]);
    assert_eq!(table.sends(), [2]);
    table.sent(2, Sent::Taken);
    assert_eq!(table.sends(), [] as [i64; 0]);
    table.now.utc = NOON.after(Duration::from_secs(90 * 60));
    assert_eq!(table.sends(), [1]);
}

#[test]
fn who_asks_goes_before_what_is_told_again() {
    let running = Open { is_running: true, ..queued(1) };
    let mut table = Table::of([running, Open { manual: true, ..queued(2) }]);
    assert_eq!(table.sends(), [2]);
}

#[test]
fn an_agent_that_connected_anew_is_told_again_and_no_other() {
    let mut table = Table::of([queued(1)]);
    assert_eq!(table.sends(), [1]);
    table.sent(1, Sent::Taken);
    assert_eq!(table.acts(), []);
    table.over = Some(8);
    assert_eq!(table.acts(), [Act::Send(ConfigJobId(1), 8)]);
    table.sent(1, Sent::Unheard);
    assert_eq!(table.acts(), [], "it is left alone for a moment");
    table.pass(HOLD);
    assert_eq!(table.acts(), [Act::Send(ConfigJobId(1), 8)]);
    table.sent(1, Sent::Unheard);
    table.over = Some(9);
    assert_eq!(table.acts(), [Act::Send(ConfigJobId(1), 9)], "another connection may do better");
}

#[test]
fn an_agent_that_is_full_is_asked_later() {
    let mut table = Table::of([queued(1), queued(2)]);
    assert_eq!(table.sends(), [1]);
    table.sent(1, Sent::Full);
    assert_eq!(table.acts(), []);
    table.pass(HOLD);
    assert_eq!(table.sends(), [1]);
}

#[test]
fn a_job_that_cannot_be_told_holds_up_no_other_of_its_agent() {
    let mut table = Table::of([queued(1), queued(2)]);
    assert_eq!(table.sends(), [1]);
    table.sent(1, Sent::Unclaimed);
    assert_eq!(table.sends(), [2]);
    table.sent(2, Sent::Taken);
    assert_eq!(table.acts(), []);
    table.pass(UNCLAIMED_AGAIN);
    assert_eq!(table.sends(), [1]);
}

#[test]
fn an_agent_has_no_more_than_it_can_make_use_of() {
    let mut table = Table::of((1..=64).map(|job| Open { per_site_max: 64, ..queued(job) }));
    for job in 1..=i64::from(PER_AGENT_MAX) {
        assert_eq!(table.sends(), [job]);
        table.sent(job, Sent::Taken);
    }
    assert_eq!(table.acts(), []);
    table.board.gone(ConfigJobId(1));
    assert_eq!(table.sends().len(), 1);
}

#[test]
fn calls_are_bounded_and_tenants_take_turns() {
    let of = |tenant: i64| (1..=9).map(move |job| apart(tenant, tenant * 100 + job));
    let mut table = Table::of(of(1));
    assert_eq!(table.sends(), [101, 102, 103, 104], "its share");
    let mut table = Table::of((1..=6).flat_map(of));
    let sends = table.sends();
    assert_eq!(sends.len(), SENDS_MAX);
    assert_eq!(sends[..7], [101, 201, 301, 401, 501, 601, 102]);
    assert_eq!(sends[SENDS_MAX - 1], 403);
    assert_eq!(table.sends(), [] as [i64; 0]);
    // Whoever is next has the place that becomes free.
    table.sent(101, Sent::Taken);
    assert_eq!(table.sends(), [503]);
}

/// The agents of one tenant take calls and never answer; another tenant goes on.
#[test]
fn agents_that_do_not_answer_hold_up_no_other_tenant() {
    let silent = (1..=24).map(|job| Open { is_running: true, ..apart(1, job) });
    let mut table = Table::of(silent.chain((1..=24).map(|job| apart(2, 100 + job))));
    let mut taken = 0;
    for _ in 0..24 {
        for job in table.sends().into_iter().filter(|job| *job > 100) {
            table.sent(job, Sent::Taken);
            taken += 1;
        }
    }
    assert_eq!(taken, 24);
}

#[test]
fn an_agent_that_never_answers_is_left_alone_for_longer_each_time() {
    let mut table = Table::of([queued(1)]);
    let mut pauses = Vec::new();
    for _ in 0..7 {
        assert_eq!(table.sends(), [1]);
        table.sent(1, Sent::Unheard);
        let mut waited = Duration::ZERO;
        while !table
            .board
            .queues(|_| Some(7), &BTreeSet::new(), table.now)
            .contains_key(&TenantId(1))
        {
            table.pass(HOLD);
            waited += HOLD;
        }
        pauses.push(waited.as_secs());
    }
    assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 600]);
    assert_eq!(table.sends(), [1]);
    table.sent(1, Sent::Taken);
    assert!(table.board.held.is_empty());
}

#[test]
fn a_job_that_is_never_heard_of_is_lost_from_the_first_telling_on() {
    let mut table = Table::of([queued(1)]);
    let mut told = 0;
    let doubt = loop {
        match table.acts().first() {
            Some(Act::Send(..)) => {
                told += 1;
                table.sent(1, Sent::Unheard);
            }
            Some(doubt) => break *doubt,
            None => {}
        }
        table.pass(HOLD);
        assert!(told < 20, "it is told again for ever");
    };
    assert_eq!((doubt, told > 2), (Act::Doubt(ConfigJobId(1)), true));
    assert!(table.is_lost(1, None), "nothing ever came");
}

#[test]
fn a_job_is_lost_when_nothing_more_of_it_comes() {
    let doubt = [Act::Doubt(ConfigJobId(1))];
    let mut table = Table::of([queued(1)]);
    assert_eq!(table.sends(), [1]);
    table.sent(1, Sent::Taken);
    table.pass(RUNNING_MAX - SOON);
    assert_eq!(table.acts(), []);
    table.pass(SOON);
    assert_eq!(table.acts(), doubt);
    // Its outcome is on the way, over a slow line.
    assert!(!table.is_lost(1, Some(65_536)));
    assert_eq!(table.acts(), []);
    table.pass(RUNNING_MAX);
    assert_eq!(table.acts(), doubt);
    assert!(!table.is_lost(1, Some(131_072)));
    table.pass(RUNNING_MAX);
    assert_eq!(table.acts(), doubt);
    assert!(table.is_lost(1, Some(131_072)));
}

#[test]
fn while_its_agent_is_away_no_job_is_lost() {
    // As after a restart: it was told long ago.
    let mut table = Table::of([Open { is_running: true, ..queued(1) }]);
    table.over = None;
    for _ in 0..3 {
        assert_eq!(table.acts(), []);
        table.pass(RUNNING_MAX);
    }
    table.over = Some(8);
    assert_eq!(table.sends(), [1], "it is told again");
    table.sent(1, Sent::Taken);
    table.pass(RUNNING_MAX - SOON);
    assert_eq!(table.acts(), []);
    // The line is cut for a while: what was fetched comes when it is back.
    table.over = None;
    table.pass(RUNNING_MAX);
    assert_eq!(table.acts(), []);
    table.over = Some(9);
    assert_eq!(table.sends(), [1]);
    table.sent(1, Sent::Taken);
    table.pass(RUNNING_MAX - SOON);
    assert_eq!(table.acts(), []);
    table.pass(SOON);
    assert_eq!(table.acts(), [Act::Doubt(ConfigJobId(1))]);
}

#[test]
fn what_is_being_sent_is_not_forgotten_by_a_look_at_the_database() {
    let mut table = Table::of([queued(1), queued(2)]);
    assert_eq!(table.sends(), [1]);
    table.board.read(vec![queued(2)]);
    assert!(table.board.get(ConfigJobId(1)).is_some());
    table.sent(1, Sent::Taken);
    table.board.read(vec![queued(2)]);
    assert!(table.board.get(ConfigJobId(1)).is_none(), "it has ended");
}
