import { serverNow } from "../../lib/clock";
import { useEachSecond } from "../../lib/live-app";
import { useMayIn } from "../../lib/role";
import { causeWord, STATES } from "../../lib/state";
import type { Alert } from "../../lib/types";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { StateBadge } from "../../ui/state-badge";
import { QueuedBadge } from "../offline/queued-badge";
import { useQueued } from "../offline/queue-store";
import { SeverityBadge, StandingBadge } from "./badges";
import { isSilent, severityOf, sinceOf } from "./standing";
import type { Acts } from "./use-acts";
import { useStanding } from "./use-standing";

/** Severity, state, since when, and how it was last, in one line. */
export function StandingLine({ alert }: { alert: Alert }) {
  const [standing, note] = useStanding(alert);
  const queued = useQueued(alert.id);
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
      <SeverityBadge severity={severityOf(alert)} isOver={alert.phase === "resolved"} />
      <StandingBadge standing={standing} note={note} />
      {queued && <QueuedBadge act={queued} />}
      <span className="text-muted">
        {alert.resolved_at ? <>over <Age at={alert.resolved_at} long /></> : <>wrong since <Age at={sinceOf(alert)} long />{alert.fired_at && <>, fired <Age at={alert.fired_at} long /></>}</>}
      </span>
      <LastState alert={alert} />
    </div>
  );
}

/** The last state that was wrong, and why it was so. */
function LastState({ alert: { state, phase } }: { alert: Alert }) {
  const shown = state && STATES.find((one) => one === state.state);
  if (!state || !shown) return null;
  return (
    <span className="inline-flex min-w-0 items-center gap-1.5" data-last-state={shown}>
      {phase === "resolved" && <span className="text-muted">was</span>}
      <StateBadge state={shown} note={causeWord(state.cause)} />
    </span>
  );
}

/** What can be done with it, each with its key. Nothing, once it is over or for who only looks. `isOneOfMany`: elsewhere is what is done with all. */
export function AlertActions({ alert, acts, isOneOfMany = false }: { alert: Alert; acts: Acts; isOneOfMany?: boolean }) {
  const { write } = useMayIn()(alert.tenant.id);
  const isQuiet = useEachSecond(() => isSilent(alert, serverNow()));
  if (!write || alert.phase === "resolved") return null;
  const ids = [alert.id];
  return (
    <div role="toolbar" aria-label="This alert" className="flex flex-wrap gap-2 phone:*:flex-1">
      <Button look={alert.ack || isOneOfMany ? "plain" : "solid"} title="Acknowledge (a)" disabled={acts.busy} onClick={() => acts.ask("ack", [alert])}>
        {alert.ack ? "Change the note…" : isOneOfMany ? "Acknowledge this…" : "Acknowledge…"}
      </Button>
      <Button title="Silence (s)" disabled={acts.busy} onClick={() => acts.ask("silence", [alert])}>{isQuiet ? "Silence otherwise…" : isOneOfMany ? "Silence this…" : "Silence…"}</Button>
      {isQuiet && <Button title="End the silence (u)" disabled={acts.busy} onClick={() => acts.send(ids, { act: "unsilence" })}>End silence</Button>}
      {alert.ack && !isQuiet && (
        <Button title="Undo acknowledgement (u)" disabled={acts.busy} onClick={() => acts.send(ids, { act: "unack" })}>Undo acknowledgement</Button>
      )}
    </div>
  );
}
