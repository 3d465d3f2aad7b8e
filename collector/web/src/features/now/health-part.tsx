import { Link } from "@tanstack/react-router";
import { serverNow } from "../../lib/clock";
import { bytes, clockTime, counted, duration, integer } from "../../lib/format";
import { live, toldNow, useAgent, useEachSecond, useLink } from "../../lib/live-app";
import { useAgentNames } from "../../lib/live-names";
import { useScope } from "../../lib/scope";
import { ageSeconds, keptS, silentS } from "../../lib/state";
import { Age } from "../../ui/age";
import { StateShape } from "../../ui/state-badge";
import { countWords } from "../agents/ledger-words";
import { type Behind, type Lag, LAG_WORD, oldestAck } from "./health";
import { LINE, Lines, MORE, NowPart } from "./now-part";
import type { Now } from "./use-now";

const SHOWN = 8;
/** Younger than that is no age. */
const WORTH_S = 10;
/** Of these it matters since when nothing is heard. */
const AWAY: ReadonlySet<Lag> = new Set(["offline", "stopped", "unseen"]);

/** Whether all data is here, and which agents are behind. */
export function HealthPart({ now: { isKnown, isDiskFull, health: { behind, well, all }, agents } }: { now: Now }) {
  const hidden = behind.length - SHOWN;
  // Of data that nobody brings nothing is said anew.
  const lostAt = useLink(({ phase, heardAt }) => (phase === "offline" ? String(heardAt) : ""));
  return (
    <NowPart title="Data health" note={isKnown && agents > 0 && !lostAt && `${integer(well.length)} of ${counted(well.length + all, "agent")} well`} data-behind={lostAt ? "unknown" : all}>
      {!isKnown ? <Lines count={2} label="Loading agents" /> : lostAt ? (
        <p className="px-4 text-muted phone:px-3">Not known: the collector cannot be reached since {clockTime(Number(lostAt), true)}.</p>
      ) : (
        <>
          {behind.length > 0 && <ul aria-label="Agents that are behind">{behind.slice(0, SHOWN).map((one) => <Late key={one.id} {...one} />)}</ul>}
          {hidden > 0 && <Link to="/agents" className={MORE}>and {integer(hidden)} more</Link>}
          {all > behind.length && <p className="px-4 text-muted phone:px-3">{counted(all - behind.length, "agent")} away: told among the open incidents.</p>}
          {!isDiskFull && <Current ids={well} isAll={all === 0} />}
        </>
      )}
    </NowPart>
  );
}

/** «All data is up to date»: the age of the oldest of the last acknowledgements is told where it is worth a thought. */
function Current({ ids, isAll }: { ids: readonly string[]; isAll: boolean }) {
  const age = useEachSecond(() => {
    const oldest = oldestAck(ids.map((id) => live.agents.get(id)), serverNow());
    return oldest === null ? null : Math.floor(oldest);
  });
  if (age === null) return isAll ? <p className="px-4 text-muted phone:px-3">No agent has sent anything yet.</p> : null;
  return <p className="px-4 pt-1 text-muted phone:px-3" data-current>{isAll ? "All data is" : "All else is"} up to date{age >= WORTH_S && `, to within ${duration(age)}`}.</p>;
}

function Late({ id, state, lag }: Behind) {
  const agent = useAgent(id);
  const names = useAgentNames();
  const { isMixed } = useScope();
  const silent = useEachSecond(() => (agent && lag === "silent" ? silentS(agent, toldNow()) : null));
  const isOld = useEachSecond(() => (ageSeconds(agent?.last_ack_at, serverNow()) ?? 0) >= WORTH_S);
  if (!agent) return null;
  const { buffer, last_ack_at: acked, last_seen_at: seen, lost_24h: lost } = agent;
  return (
    <li className={LINE} data-late={lag}>
      <div className="flex items-baseline gap-3">
        <StateShape state={state === "up" ? "degraded" : state} size={11} />
        <span className="min-w-0 flex-1 wrap-anywhere">
          <Link to="/agents/$id" params={{ id }} className="font-medium hover:underline">{names.name(agent)}</Link>{" "}
          <span className="text-muted">{LAG_WORD[lag]}{silent !== null && ` for ${silent} s`}</span>
        </span>
        <span className="num shrink-0 text-xs text-muted">
          {lag === "backfilling" ? <Age at={buffer?.oldest_at} /> : lag === "losing" ? countWords({ count: lost.samples }) : AWAY.has(lag) && <Age at={seen ?? agent.created_at} />}
        </span>
      </div>
      <p className="pl-6 text-xs text-muted">
        {isMixed && `${agent.tenant.name} · `}{agent.site.name} · {counted(agent.devices, "device")}
        {isOld && <> · last ack <Age at={acked} /> ago</>}
        {/* What is on its way each second is no backlog. */}
        {buffer && (keptS(agent, toldNow()) ?? 0) >= WORTH_S && ` · ${integer(buffer.batches)} in its buffer, ${bytes(buffer.bytes)}`}
      </p>
    </li>
  );
}
