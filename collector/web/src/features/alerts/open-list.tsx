import { Link } from "@tanstack/react-router";
import { serverNow } from "../../lib/clock";
import { integer } from "../../lib/format";
import { live, useAlert, useTableValue } from "../../lib/live-app";
import { useMayIn } from "../../lib/role";
import type { Alert } from "../../lib/types";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { SeverityBadge, StandingBadge } from "./badges";
import { ordered, SEVERITIES, type Severity, severityOf, sinceOf, standingOf, summaryOf } from "./standing";
import { useActs } from "./use-acts";
import { useStanding } from "./use-standing";

/** More of them are for the inbox. */
const SHOWN = 4;

/** Ids of open alerts, the worst first; renders anew only when they are others. */
export function useOpenAlerts(isOf: (alert: Alert) => boolean): string[] {
  const text = useTableValue(live.alerts, (table) =>
    ordered(table.list().filter((alert) => alert.phase !== "resolved" && isOf(alert)), "worst", serverNow()).map(({ id }) => id).join(" "));
  return text ? text.split(" ") : [];
}

/** What narrows the list of alerts to the same. */
type Of = { device?: string; agent?: string; q?: string; tenant: string };

/** Open alerts of something, each leading to its page, and the way to all of them. */
export function OpenList({ ids, of }: { ids: readonly string[]; of: Of }) {
  const more = ids.length - SHOWN;
  return (
    <ul aria-label="Open alerts" className="@container flex w-full min-w-0 flex-1 flex-col">
      {ids.slice(0, SHOWN).map((id) => <Line key={id} id={id} />)}
      {more > 0 && (
        <li>
          <Link to="/alerts" search={of} className="text-accent hover:underline phone:inline-flex phone:min-h-11 phone:items-center">
            {integer(more)} more
          </Link>
        </li>
      )}
    </ul>
  );
}

/** One line where there is room; else what it is of stands below what is wrong, and all of them begin alike. */
const LINE = "min-h-6 items-center gap-x-4 @max-[640px]:grid @max-[640px]:items-start @max-[640px]:grid-cols-[78px_minmax(0,1fr)_auto] @max-[640px]:gap-x-3 " +
  "@max-[640px]:border-t @max-[640px]:border-line @max-[640px]:py-1.5 @max-[640px]:first:border-t-0 @min-[640px]:flex";

function Line({ id }: { id: string }) {
  const alert = useAlert(id);
  const [standing, note] = useStanding(alert);
  if (!alert) return null;
  return (
    <li data-open-alert={id} className={LINE}>
      <SeverityBadge severity={severityOf(alert)} />
      <Link to="/alerts/$id" params={{ id }} className="touch min-w-0 font-medium wrap-anywhere hover:underline">{summaryOf(alert)}</Link>
      <span className="text-xs leading-[19px] whitespace-nowrap text-muted @min-[640px]:order-last"><Age at={sinceOf(alert)} long /></span>
      <span className="flex min-w-0 items-center gap-x-4 text-xs text-muted @max-[640px]:col-span-2 @max-[640px]:col-start-2">
        <span className="shrink-0">{alert.rule.name}</span>
        <StandingBadge standing={standing} note={note} />
      </span>
    </li>
  );
}

const GROUND: Readonly<Record<Severity, string>> = { critical: "bg-down-soft", warning: "bg-degraded-soft", info: "bg-accent-soft" };

/** Undefined: there are none. */
function worstOf(alerts: readonly Alert[]): Severity | undefined {
  return SEVERITIES[Math.min(SEVERITIES.length, ...alerts.map((alert) => SEVERITIES.indexOf(severityOf(alert))))];
}

/** What is wrong with a device, above what it tells: in the colour of the worst that nobody looks after yet. Not there while nothing is. */
export function DeviceAlerts({ device, tenant }: { device: string; tenant: string }) {
  const ids = useOpenAlerts((alert) => alert.device?.id === device);
  const acts = useActs();
  const may = useMayIn()(tenant);
  const told = useTableValue(live.alerts, (table) => {
    const all = ids.flatMap((id) => table.get(id) ?? []);
    const loose = all.filter((alert) => standingOf(alert, serverNow()) === "firing");
    return [worstOf(all), worstOf(loose), ...loose.map(({ id }) => id)].join(" ");
  });
  if (ids.length === 0) return null;
  const [worst, ground, ...loose] = told.split(" ");
  return (
    <section aria-label="Open alerts" data-device-alerts={ids.length} data-worst={worst}
      className={`flex items-start gap-4 border-y border-line px-4 py-2 phone:flex-col phone:gap-0 phone:px-3 phone:py-1 ${GROUND[ground as Severity] ?? "bg-surface"}`}>
      <h2 className="shrink-0 leading-6 font-semibold">
        <Link to="/alerts" search={{ device, tenant }} className="hover:underline phone:inline-flex phone:min-h-11 phone:items-center">Open alerts</Link>
      </h2>
      <OpenList ids={ids} of={{ device, tenant }} />
      {loose.length > 0 && may.write && (
        <Button className="ml-auto h-7! phone:mb-2 phone:ml-0 print:hidden" disabled={acts.busy} onClick={() => acts.send(loose, { act: "ack" })} data-ack-here>
          {loose.length === 1 ? "Acknowledge" : `Acknowledge ${integer(loose.length)}`}
        </Button>
      )}
    </section>
  );
}

/** What is wrong with an agent itself, and with what it polls. */
export function AgentAlerts({ agent, tenant }: { agent: string; tenant: string }) {
  const own = useOpenAlerts((alert) => alert.device === null && alert.agent.id === agent);
  const others = useOpenAlerts((alert) => alert.device !== null && alert.agent.id === agent);
  const ids = [...own, ...others];
  if (ids.length === 0) return <p className="text-muted">None: neither of it nor of what it polls.</p>;
  return (
    <div className="flex flex-col gap-2" data-agent-alerts={ids.length}>
      <OpenList ids={ids} of={{ agent, tenant }} />
      <Link to="/alerts" search={{ agent, tenant }} data-all className="self-start text-accent hover:underline phone:inline-flex phone:min-h-11 phone:items-center">
        Show {ids.length === 1 ? "it" : "them"} in Alerts
      </Link>
    </div>
  );
}
