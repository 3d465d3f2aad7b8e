import { Link } from "@tanstack/react-router";
import { integer, NONE } from "../../lib/format";
import { STATE_WORD, STATES } from "../../lib/state";
import { StateShape } from "../../ui/state-badge";
import { SeverityShape } from "../alerts/badges";
import { SEVERITIES, SEVERITY_WORD } from "../alerts/standing";
import type { Now } from "./use-now";

/** How many devices are how: each leads to them. Nothing of a trouble has no colour. */
export function Figures({ now: { isKnown, counts } }: { now: Now }) {
  return (
    <nav aria-label="Devices by state" className="flex gap-1 border-b border-line px-1 py-2">
      {STATES.map((state) => {
        const value = isKnown ? counts[state] : null;
        const tone = !value ? "text-faint" : state === "up" ? "text-muted" : "text-text";
        return (
          <Link key={state} to="/fleet" search={{ state }} data-figure={state}
            className="flex min-w-20 flex-col rounded-md px-3 py-1.5 hover:bg-hover phone:min-h-14 phone:min-w-0 phone:flex-1 phone:px-2">
            <span className={`text-2xl leading-8 font-semibold phone:text-xl phone:leading-7 ${tone}`}>{value === null ? NONE : integer(value)}</span>
            <span className="inline-flex items-center gap-1.5 text-xs text-muted"><StateShape state={state} size={9} {...(value ? {} : { colour: "text-faint" })} />{STATE_WORD[state]}</span>
          </Link>
        );
      })}
    </nav>
  );
}

/** How many alerts are open of each severity of which there are any: each leads to them. */
export function SeverityFigures({ now: { isKnown, severities } }: { now: Now }) {
  const all = SEVERITIES.reduce((sum, severity) => sum + severities[severity], 0);
  return (
    <nav aria-label="Open alerts by severity" className="-mr-2 inline-flex desk:mr-0">
      {SEVERITIES.map((severity) => isKnown && severities[severity] > 0 && (
        <Link key={severity} to="/alerts" search={{ severity }} data-figure={severity}
          className="inline-flex min-h-6 items-center gap-1.5 rounded-md px-1.5 hover:bg-hover phone:-my-3 phone:min-h-11 phone:min-w-11 phone:justify-center">
          <SeverityShape severity={severity} size={10} /><span className="font-medium text-text">{integer(severities[severity])}</span>
          <span className="phone:sr-only">{SEVERITY_WORD[severity].toLowerCase()}</span>
        </Link>
      ))}
      <span className="inline-flex items-center phone:hidden">{all === 1 ? "alert" : "alerts"}</span>
    </nav>
  );
}
