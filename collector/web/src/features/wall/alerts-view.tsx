import { useMemo } from "react";
import type { Alert } from "../../lib/types";
import { SeverityShape } from "../alerts/badges";
import { ordered, SEVERITY_WORD, severityOf, sinceOf, STANDING_WORD, standingOf, summaryOf } from "../alerts/standing";
import { standingNote } from "../alerts/subject";
import { Calm, NoDevices } from "./calm";
import { useAge } from "./incident-line";
import { type Tone } from "../alerts/tone";
import { SIGN_TEXT } from "./incident-tone";
import { secondMs, type WallRows } from "./use-wall-rows";
import { WallLine } from "./wall-line";
import { WallList } from "./wall-list";

/** Every open alert, the worst first. */
export function AlertsView({ rows: { alerts, devices, sites, counts }, isMixed }: { rows: WallRows; isMixed: boolean }) {
  const open = useMemo(() => ordered(alerts.filter(({ phase }) => phase !== "resolved"), "worst", secondMs()), [alerts]);
  if (open.length > 0) {
    return <WallList label="Open alerts" rows={open} renderLine={(alert) => <AlertLine key={alert.id} alert={alert} isMixed={isMixed} />} />;
  }
  if (devices.length === 0) return <NoDevices />;
  if (counts.up === devices.length) return <Calm devices={devices.length} sites={sites.length} />;
  return <p className="m-auto text-[2em] text-muted">No open alert</p>;
}

function AlertLine({ alert, isMixed }: { alert: Alert; isMixed: boolean }) {
  const severity = severityOf(alert);
  const standing = standingOf(alert, secondMs());
  const calls = standing === "firing" && !alert.unknown;
  const tone: Tone = !calls || severity === "info" ? "muted" : severity === "critical" ? "alarm" : "warn";
  return (
    <WallLine tone={tone} shape={<SeverityShape severity={severity} tone={SIGN_TEXT[tone]} />} title={summaryOf(alert)} end={useAge(sinceOf(alert))}
      notes={[
        standing === "firing" ? SEVERITY_WORD[severity] : `${SEVERITY_WORD[severity]}, ${STANDING_WORD[standing].toLowerCase()}`,
        // Who looks after it is not for all who pass by.
        standingNote({ ...alert, ack: null }, secondMs()), isMixed ? alert.tenant.name : null, alert.site.name,
      ]} />
  );
}
