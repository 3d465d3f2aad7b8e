import { duration } from "../../lib/format";
import { useEachSecond } from "../../lib/live-app";
import { SeverityShape } from "../alerts/badges";
import { SEVERITY_WORD, STANDING_WORD } from "../alerts/standing";
import { headline, type Incident } from "../now/incidents";
import { incidentTone, SIGN_TEXT } from "./incident-tone";
import { secondMs } from "./use-wall-rows";
import { WallLine } from "./wall-line";

export function useAge(since: string): string {
  return useEachSecond(() => duration(Math.max(0, secondMs() - Date.parse(since)) / 1000));
}

export function IncidentLine({ incident, isMixed }: { incident: Incident; isMixed: boolean }) {
  const { lead, alerts, severity, standing, suppressed, since } = incident;
  const tone = incidentTone(incident);
  return (
    <WallLine tone={tone} shape={<SeverityShape severity={severity} tone={SIGN_TEXT[tone]} />}
      title={headline(incident, lead.agent.name)} end={useAge(since)}
      notes={[
        standing === "firing" ? SEVERITY_WORD[severity] : `${SEVERITY_WORD[severity]}, ${STANDING_WORD[standing].toLowerCase()}`,
        isMixed ? lead.tenant.name : null, lead.site.name,
        suppressed > 0 ? `${suppressed} unknown behind it` : null,
        suppressed === 0 && alerts.length > 1 ? `${alerts.length} alerts` : null,
      ]} />
  );
}
