import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, PAGE, take } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import { counted, dateTime, duration, integer, sinceTime } from "../../lib/format";
import { live, useEachSecond, useTableValue } from "../../lib/live-app";
import type { Agent, Alert } from "../../lib/types";
import { ErrorNote } from "../../ui/error-note";
import { Part } from "../../ui/part";
import { lastEnded } from "../alerts/use-past";
import { type Outage, outagesOf } from "./outages";

const WEEK_MS = 7 * 86_400_000;
const STEP_MS = 60_000;
/** More are for the list of alerts. */
const SHOWN = 5;

/** When it was not well within the last seven days, by its alerts. */
export function AgentWeek({ agent: { id, tenant } }: { agent: Agent }) {
  const to = useEachSecond(() => Math.ceil(serverNow() / STEP_MS) * STEP_MS);
  const from = to - WEEK_MS;
  const ended = useTableValue(live.alerts, (table) => lastEnded(table.list()));
  const past = useQuery({
    queryKey: ["alerts", "of-agent", id, ended],
    placeholderData: (before: Alert[] | undefined) => before,
    queryFn: async () => (await take(api.GET("/api/v1/alerts", { params: { query: {
      agent: id, of_agent: true, resolved_from: new Date(from).toISOString(), limit: PAGE,
    } } }))).data,
  });
  const open = useTableValue(live.alerts, (table) => table.list().filter((one) => one.agent.id === id && one.phase !== "resolved").map((one) => one.id).join(" "));
  if (past.error && !past.data) return <Part title="Last 7 days"><ErrorNote error={past.error} onRetry={() => void past.refetch()} /></Part>;
  if (!past.data) return null;
  const going = open ? open.split(" ").flatMap((one) => live.alerts.get(one) ?? []) : [];
  const outages = outagesOf([...going, ...past.data], from, to);
  // Of what ended the newest are told, as many as one answer holds.
  const isCut = past.data.length === PAGE;
  const none = isCut ? `None of the last ${integer(PAGE)} alerts of the agent itself fired.` : "No alert of the agent itself.";
  return (
    <Part title="Last 7 days">
      {outages.length === 0 ? <p className="text-muted" data-agent-week="0">{none}</p> : <Strip outages={outages} from={from} to={to} />}
      <ul aria-label="When it was not well">
        {outages.slice(0, SHOWN).map((one) => (
          <li key={one.id} className="flex min-h-7 items-baseline gap-2 border-t border-line py-1 first:border-t-0 phone:min-h-11">
            <Link to="/alerts/$id" params={{ id: one.id }} title={one.summary} className="clip min-w-0 flex-1 hover:underline">{one.summary}</Link>
            <span className={one.isOpen ? "shrink-0 text-down" : "shrink-0"}>{one.isOpen ? "now" : duration((one.to - one.from) / 1000)}</span>
            <time dateTime={new Date(one.from).toISOString()} className="shrink-0 text-xs text-muted">{sinceTime(new Date(one.from).toISOString(), to)}</time>
          </li>
        ))}
      </ul>
      {outages.length > SHOWN && (
        <Link to="/alerts" search={{ agent: id, tenant: tenant.id, state: "resolved" }} className="self-start text-accent hover:underline">All {isCut ? "alerts" : counted(outages.length, "alert")}</Link>
      )}
    </Part>
  );
}

function Strip({ outages, from, to }: { outages: readonly Outage[]; from: number; to: number }) {
  const share = (ms: number) => `${(100 * ms) / (to - from)}%`;
  const words = outages.map((one) => `${one.summary} for ${duration((one.to - one.from) / 1000)}`).join(", ");
  return (
    <div role="img" aria-label={`The last 7 days: ${words}`} data-agent-week={outages.length}>
      <div className="relative h-4 overflow-hidden rounded-sm bg-line">
        {outages.map((one) => (
          <span key={one.id} title={`${one.summary}, ${dateTime(one.from)} – ${one.isOpen ? "now" : dateTime(one.to)}`}
            className="absolute inset-y-0 min-w-[2px] bg-down" style={{ left: share(one.from - from), width: share(one.to - one.from) }} />
        ))}
      </div>
      <div aria-hidden="true" className="mt-0.5 flex justify-between text-2xs text-muted">
        <span>7 d ago</span><span>now</span>
      </div>
    </div>
  );
}
