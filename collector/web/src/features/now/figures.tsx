import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { integer, NONE } from "../../lib/format";
import { STATE_WORD, STATES } from "../../lib/state";
import { StateShape } from "../../ui/state-badge";
import { SeverityShape } from "../alerts/badges";
import { SEVERITIES, SEVERITY_WORD } from "../alerts/standing";
import type { Now } from "./use-now";

const BOX = "flex min-w-20 flex-col rounded-md px-3 py-1.5 hover:bg-hover phone:min-h-14 phone:min-w-0 phone:flex-1 phone:px-2";

/** How many devices are how, and how many alerts are open: each leads to them. */
export function Figures({ now: { isKnown, counts, severities } }: { now: Now }) {
  return (
    <div className="flex flex-wrap items-stretch gap-x-8 gap-y-1 border-b border-line px-1 py-2 phone:px-1">
      <nav aria-label="Devices by state" className="flex gap-1 phone:w-full">
        {STATES.map((state) => (
          <Link key={state} to="/fleet" search={{ state }} className={BOX} data-figure={state}>
            <Figure value={isKnown ? counts[state] : null} quiet={state === "up"} />
            <span className="inline-flex items-center gap-1.5 text-xs text-muted"><StateShape state={state} size={9} />{STATE_WORD[state]}</span>
          </Link>
        ))}
      </nav>
      <nav aria-label="Open alerts by severity" className="flex gap-1 phone:w-full">
        {SEVERITIES.map((severity) => (
          <Link key={severity} to="/alerts" search={{ severity }} className={BOX} data-figure={severity}>
            <Figure value={isKnown ? severities[severity] : null} />
            <span className="inline-flex items-center gap-1.5 text-xs text-muted"><SeverityShape severity={severity} size={9} />{SEVERITY_WORD[severity]}</span>
          </Link>
        ))}
      </nav>
    </div>
  );
}

/** Nothing of a trouble is no figure to look at. */
function Figure({ value, quiet = false }: { value: number | null; quiet?: boolean }): ReactNode {
  const tone = value === null || value === 0 ? "text-faint" : quiet ? "text-muted" : "text-text";
  return <span className={`text-2xl leading-8 phone:text-xl phone:leading-7 font-semibold ${tone}`}>{value === null ? NONE : integer(value)}</span>;
}
