import { useState } from "react";
import { counted, integer } from "../../lib/format";
import { useAlert } from "../../lib/live-app";
import { useMayIn } from "../../lib/role";
import { Age } from "../../ui/age";
import { Aside } from "../../ui/aside";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { Part } from "../../ui/part";
import { AlertPanel } from "../alerts/alert-panel";
import { SeverityShape } from "../alerts/badges";
import { severityOf, sinceOf, summaryOf } from "../alerts/standing";
import type { Acts, Asked } from "../alerts/use-acts";
import type { Incident } from "./incidents";

/** More of them are for the inbox. */
const SHOWN = 12;

interface Props {
  root: string;
  /** Undefined once it is over. */
  incident: Incident | undefined;
  acts: Acts;
  /** Acts on all alerts of it. */
  onAsk: (act: Asked["act"]) => void;
  onClose: () => void;
}

/** An incident beside the list: the alert that tells it, and the others that go back to the same. */
export function IncidentPanel({ root, incident, acts, onAsk, onClose }: Props) {
  const [picked, setPicked] = useState<string | null>(null);
  const [last, setLast] = useState<string | null>(null);
  const id = picked ?? incident?.lead.id ?? last;
  // Derived while rendering: when it is over, the alert that told it stays in sight.
  if (id !== last) setLast(id);
  if (!id) {
    return (
      <Aside of="incident" id={root} title="Over" description="" onClose={onClose}>
        <Empty title="It is over"><p>Nothing of it is open any more. What was wrong stands in Alerts, under «Resolved».</p></Empty>
      </Aside>
    );
  }
  return (
    <AlertPanel id={id} acts={acts} onClose={onClose}>
      {incident && incident.alerts.length > 1 && <Others incident={incident} at={id} onPick={setPicked} acts={acts} onAsk={onAsk} />}
    </AlertPanel>
  );
}

function Others({ incident: { alerts, lead, suppressed }, at, onPick, acts, onAsk }: Pick<Props, "acts" | "onAsk"> & {
  incident: Incident; at: string; onPick: (id: string) => void;
}) {
  const { write } = useMayIn()(lead.tenant.id);
  const hidden = alerts.length - SHOWN;
  return (
    <Part title={`${counted(alerts.length, "alert")} of one incident`}>
      {suppressed > 0 && <p className="text-muted">{counted(suppressed, "device")} unknown behind it.</p>}
      <ul className="flex flex-col" data-siblings={alerts.length}>
        {alerts.slice(0, SHOWN).map(({ id }) => <Other key={id} id={id} isHere={id === at} onPick={onPick} />)}
      </ul>
      {hidden > 0 && <p className="text-xs text-muted">and {integer(hidden)} more</p>}
      {write && (
        <div className="flex gap-2 pt-1">
          <Button look="solid" title="Acknowledge (a)" disabled={acts.busy} onClick={() => onAsk("ack")}>Acknowledge all…</Button>
          <Button title="Silence (s)" disabled={acts.busy} onClick={() => onAsk("silence")}>Silence all…</Button>
        </div>
      )}
    </Part>
  );
}

function Other({ id, isHere, onPick }: { id: string; isHere: boolean; onPick: (id: string) => void }) {
  const alert = useAlert(id);
  if (!alert) return null;
  return (
    <li>
      <button type="button" aria-current={isHere || undefined} onClick={() => onPick(id)}
        className="flex min-h-7 w-full items-center gap-2 rounded px-1.5 text-left hover:bg-hover aria-[current=true]:bg-selected">
        <SeverityShape severity={severityOf(alert)} size={11} />
        <span className="clip flex-1" title={summaryOf(alert)}>{summaryOf(alert)}</span>
        <span className="num text-xs text-muted"><Age at={sinceOf(alert)} /></span>
      </button>
    </li>
  );
}
