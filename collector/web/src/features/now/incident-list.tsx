import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { serverNow } from "../../lib/clock";
import { counted, duration, integer } from "../../lib/format";
import { live, useEachSecond, useLink } from "../../lib/live-app";
import { useAgentNames } from "../../lib/live-names";
import { useScope } from "../../lib/scope";
import type { Beside } from "../../lib/use-beside";
import { ROWS_MARK } from "../../lib/use-held";
import { rowClicks, rowMark } from "../../lib/use-row-keys";
import { Age } from "../../ui/age";
import { ROW_LINK, stay } from "../../ui/grid-row";
import { Icon } from "../../ui/icon";
import { SeverityShape, StandingBadge } from "../alerts/badges";
import { untoldPart } from "../alerts/part";
import { SEVERITY_WORD } from "../alerts/standing";
import { useStanding } from "../alerts/use-standing";
import { SeverityFigures } from "./figures";
import { headline, type Incident, isMuted } from "./incidents";
import { Lines, MORE, NowPart } from "./now-part";
import type { Now } from "./use-now";

/** What is wrong by its root, the worst first. */
export function IncidentList({ now, beside }: { now: Now; beside: Beside }) {
  const { isKnown, isDiskFull, ids, incidents, hidden, hold } = now;
  const count = ids.length + hidden;
  return (
    <NowPart title="Open incidents" note={count > 0 && <span className="inline-flex items-center gap-1.5">{counted(count, "incident")} ·<SeverityFigures now={now} /></span>} data-incidents={isKnown ? count : "loading"}>
      {isDiskFull && <DiskFull />}
      {!isKnown ? <Lines count={4} label="Loading incidents" /> : count === 0 ? !isDiskFull && <AllWell now={now} /> : (
        <ul aria-label="Open incidents" {...ROWS_MARK} onPointerEnter={() => hold(true)} onPointerLeave={() => hold(false)}>
          {ids.map((root) => {
            const incident = incidents.get(root);
            return incident && <Row key={root} incident={incident} beside={beside} />;
          })}
        </ul>
      )}
      {hidden > 0 && <Link to="/alerts" className={MORE}>and {integer(hidden)} more</Link>}
    </NowPart>
  );
}

function Row({ incident, beside }: { incident: Incident; beside: Beside }) {
  const { root, isAway, lead, alerts, severity, standing, since, suppressed } = incident;
  const { isMixed } = useScope();
  const agents = useAgentNames();
  const [own, note] = useStanding(lead);
  const quiet = isMuted(incident);
  const agent = live.agents.get(root);
  const head = headline(incident, agent ? agents.name(agent) : lead.agent.name);
  const words = [
    isMixed && lead.tenant.name, lead.site.name, untoldPart(lead, head),
    alerts.length > 1 && counted(alerts.length, "alert"), suppressed > 0 && `${counted(suppressed, "device")} unknown behind it`,
  ].filter(Boolean);
  return (
    // The keyboard way is the page's: j, k and Enter.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/click-events-have-key-events
    <li {...rowMark(root, beside.chosen)} {...rowClicks(root, beside)} data-incident={root} data-incident-standing={standing} data-alerts={alerts.length} data-suppressed={suppressed}
      className="flex cursor-pointer items-start gap-3 border-t border-line px-4 py-1.5 first:border-t-0 hover:bg-hover data-chosen:bg-selected phone:min-h-14 phone:px-3 -outline-offset-2">
      <span className="mt-1 inline-flex" title={SEVERITY_WORD[severity]}><SeverityShape severity={severity} size={13} {...(quiet ? { tone: "text-muted" } : {})} /><span className="sr-only">{SEVERITY_WORD[severity]}: </span></span>
      <span className="min-w-0 flex-1">
        <span className="flex items-baseline gap-x-4 phone:flex-wrap">
          <Link to="/alerts/$id" params={{ id: lead.id }} tabIndex={-1} {...ROW_LINK} onClick={stay}
            className={`min-w-0 flex-1 wrap-anywhere hover:underline phone:basis-full ${quiet ? "text-muted" : "font-medium"}`}>
            {head}
          </Link>
          {/* Of several, how the loudest stands: the note is the lead's. */}
          <span className="max-w-72 min-w-0 shrink-0 text-xs"><StandingBadge standing={standing} note={own === standing ? note : null} /></span>
          {/* Of an agent the time since it was heard: its alerts are younger. */}
          <span className="num min-w-9 shrink-0 text-xs text-muted phone:order-last">{isAway && "unheard "}<Age at={since} /></span>
        </span>
        <span className="block text-xs text-muted wrap-anywhere">{words.join(" · ")}</span>
      </span>
    </li>
  );
}

/** What stands on the page is old then, however well it looks. */
function DiskFull() {
  return (
    <Headline icon="warn" tone="text-down" title="Nothing new is stored: the collector's disk is full" data-disk-full>
      What stands here was so before. Agents keep what they measure, and nothing is lost while their buffers last. Who runs the
      collector deletes something or makes the disk larger; then all goes on by itself. The documentation tells more under «A full
      disk» (docs/operations.md).
    </Headline>
  );
}

/** Nothing is wrong, and what is watched: never blank. */
function AllWell({ now: { devices, counts, sites, sampledAt } }: { now: Now }) {
  const last = useEachSecond(() => (sampledAt === null ? "" : `; last data ${duration(Math.max(0, serverNow() - sampledAt) / 1000)} ago`));
  const where = `${counted(devices, "device")} at ${counted(sites.length, "site")}`;
  const isUp = counts.up === devices;
  // Of what is so now nobody tells.
  const isLost = useLink(({ phase }) => (phase === "offline" ? "lost" : "")) !== "";
  return (
    <Headline icon="check" tone={isUp && !isLost ? "text-up" : "text-muted"} title={isUp ? `All ${isLost ? "was" : "is"} well` : `No incident ${isLost ? "was" : "is"} open`} data-all-well={isUp || undefined}>
      {isUp ? `${where}, all up${last}` : `${where}, ${integer(devices - counts.up)} of them not up: no rule calls that wrong${last}`}
    </Headline>
  );
}

function Headline({ icon, tone, title, children, ...mark }: { icon: "check" | "warn"; tone: string; title: string; children: ReactNode } & Record<`data-${string}`, true | undefined>) {
  return (
    <div className="flex items-center gap-4 px-4 py-6 phone:px-3" {...mark}>
      <span className={`inline-flex size-10 shrink-0 items-center justify-center rounded-full border border-line ${tone}`}><Icon name={icon} size={22} /></span>
      <div>
        <p className="text-lg font-semibold">{title}</p>
        <p className="max-w-[620px] text-muted">{children}</p>
      </div>
    </div>
  );
}
