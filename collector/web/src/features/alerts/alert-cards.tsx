import { Link } from "@tanstack/react-router";
import { type CSSProperties, memo, type ReactNode } from "react";
import { useScope } from "../../lib/scope";
import type { Alert } from "../../lib/types";
import { Age } from "../../ui/age";
import { LiveCards } from "../../ui/live-cards";
import type { Selection } from "../../lib/use-selection";
import { useAlertRow } from "./alert-row";
import { More } from "./alert-table";
import { QueuedBadge } from "../offline/queued-badge";
import { useQueued } from "../offline/queue-store";
import { SeverityBadge, StandingBadge } from "./badges";
import { severityOf, sinceOf, summaryOf } from "./standing";
import { untold, useCalled } from "./subject";
import type { Inbox } from "./use-inbox";
import { useStanding } from "./use-standing";

const CARD_PX = 102;

/** The alerts on a phone: the whole card opens the alert, or marks it while there is a `selection`. */
export function AlertCards({ inbox, selection }: { inbox: Inbox; selection: Selection | null }) {
  const { ids, paused, past } = inbox;
  return (
    <LiveCards label="Alerts" ids={ids} cardPx={CARD_PX} paused={paused} renderCard={(id, style) => (
      <Card key={id} id={id} past={past.byId.get(id)} marked={selection && inbox.canAct.has(id) ? selection.has(id) : null} onMark={selection?.toggle} style={style} />
    )}>
      <More inbox={inbox} />
    </LiveCards>
  );
}

interface CardProps {
  id: string;
  past: Alert | undefined;
  /** Null while a tap opens the alert. */
  marked: boolean | null;
  onMark: ((id: string) => void) | undefined;
  style: CSSProperties;
}

const Card = memo(function Card({ id, past, marked, onMark, style }: CardProps) {
  const alert = useAlertRow(id, past);
  const [standing, note] = useStanding(alert);
  const called = useCalled();
  const { isMixed } = useScope();
  const queued = useQueued(id);
  if (!alert) return <li className="absolute inset-x-0 px-3 py-1 text-faint" style={style}>Gone: it was over before it fired, or is no more.</li>;
  return (
    <li className="absolute inset-x-0 px-3 py-1" style={style} data-alert={id} data-row-standing={standing}>
      <Target id={id} name={summaryOf(alert)} marked={marked} onMark={onMark}>
        <span className="flex items-center gap-3">
          <span className="shrink-0"><SeverityBadge severity={severityOf(alert)} isOver={alert.phase === "resolved"} /></span>
          <span className="clip flex-1 text-xs">{queued ? <QueuedBadge act={queued} /> : <StandingBadge standing={standing} note={note} />}</span>
          <span className="shrink-0 text-xs text-muted">{alert.resolved_at && "over "}<Age at={alert.resolved_at ?? sinceOf(alert)} />{alert.resolved_at && " ago"}</span>
        </span>
        <span className="line-clamp-2 text-base leading-tight font-medium wrap-anywhere">{summaryOf(alert)}</span>
        <span className="clip text-xs text-muted">{[untold(alert, called(alert)), alert.site.name, isMixed && alert.tenant.name, alert.rule.name].filter(Boolean).join(" · ")}</span>
      </Target>
    </li>
  );
});

const TARGET = "flex h-full rounded-lg border px-3.5";

/** The card itself: a link to the alert, or the label of its mark. */
function Target({ id, name, marked, onMark, children }: Pick<CardProps, "id" | "marked" | "onMark"> & { name: string; children: ReactNode }) {
  const body = <span className="flex min-w-0 flex-1 flex-col justify-center gap-1">{children}</span>;
  if (marked === null) {
    return <Link to="/alerts/$id" params={{ id }} className={`${TARGET} border-line bg-surface`}>{body}</Link>;
  }
  return (
    <label className={`${TARGET} items-center gap-3.5 ${marked ? "border-accent bg-selected" : "border-line bg-surface"}`}>
      <input type="checkbox" aria-label={`Mark ${name}`} className="size-5 shrink-0" checked={marked} onChange={() => onMark?.(id)} />
      {body}
    </label>
  );
}
