import { Link } from "@tanstack/react-router";
import { serverNow } from "../../lib/clock";
import { integer } from "../../lib/format";
import { live, useAlert, useTableValue } from "../../lib/live-app";
import type { Alert } from "../../lib/types";
import { Age } from "../../ui/age";
import { useStanding } from "./alert-row";
import { SeverityBadge, StandingBadge } from "./badges";
import { ordered, severityOf, sinceOf } from "./standing";
import { wrongWith } from "./subject";

/** More of them are for the inbox. */
const SHOWN = 4;

/** Ids of open alerts, the worst first; renders anew only when they are others. */
function useOpen(isOf: (alert: Alert) => boolean): string[] {
  const text = useTableValue(live.alerts, (table) =>
    ordered(table.list().filter((alert) => alert.phase !== "resolved" && isOf(alert)), "worst", serverNow()).map(({ id }) => id).join(" "));
  return text ? text.split(" ") : [];
}

/** What narrows the list of alerts to the same. */
type Of = { device?: string; agent?: string; tenant: string };

/** Open alerts of something, each leading to its page, and the way to all of them. */
function OpenList({ ids, of }: { ids: readonly string[]; of: Of }) {
  const more = ids.length - SHOWN;
  return (
    <ul aria-label="Open alerts" className="flex min-w-0 flex-col gap-0.5">
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

function Line({ id }: { id: string }) {
  const alert = useAlert(id);
  const [standing, note] = useStanding(alert);
  if (!alert) return null;
  return (
    <li data-open-alert={id} className="flex min-h-6 flex-wrap items-center gap-x-4 phone:min-h-11">
      <SeverityBadge severity={severityOf(alert)} />
      <Link to="/alerts/$id" params={{ id }} className="font-medium hover:underline phone:inline-flex phone:min-h-11 phone:items-center" title={alert.summary}>
        {wrongWith(alert)}{alert.object && <span className="ml-1.5 font-normal text-muted">{alert.object}</span>}
      </Link>
      <StandingBadge standing={standing} note={note} />
      <span className="text-xs text-muted"><Age at={sinceOf(alert)} long /></span>
    </li>
  );
}

/** What is wrong with a device, above what it tells. Not there while nothing is. */
export function DeviceAlerts({ device, tenant }: { device: string; tenant: string }) {
  const ids = useOpen((alert) => alert.device?.id === device);
  if (ids.length === 0) return null;
  return (
    <section aria-label="Open alerts" data-device-alerts={ids.length}
      className="flex gap-4 border-b border-line bg-degraded-soft px-4 py-2 phone:flex-col phone:gap-1 phone:px-3">
      <h2 className="shrink-0 leading-6 font-semibold">
        <Link to="/alerts" search={{ device, tenant }} className="hover:underline phone:inline-flex phone:min-h-11 phone:items-center">Open alerts</Link>
      </h2>
      <OpenList ids={ids} of={{ device, tenant }} />
    </section>
  );
}

/** What is wrong with an agent itself, and with what it polls. */
export function AgentAlerts({ agent, tenant }: { agent: string; tenant: string }) {
  const own = useOpen((alert) => alert.device === null && alert.agent.id === agent);
  const others = useOpen((alert) => alert.device !== null && alert.agent.id === agent).length;
  if (own.length === 0 && others === 0) return <p className="text-muted">None: neither of it nor of what it polls.</p>;
  return (
    <div className="flex flex-col gap-1" data-agent-alerts={own.length + others}>
      {own.length > 0 && <OpenList ids={own} of={{ agent, tenant }} />}
      {others > 0 && (
        <Link to="/alerts" search={{ agent, tenant }} className="self-start text-accent hover:underline phone:inline-flex phone:min-h-11 phone:items-center">
          {integer(others)} of its devices
        </Link>
      )}
    </div>
  );
}
