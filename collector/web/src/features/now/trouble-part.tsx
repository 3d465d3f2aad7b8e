import { Link } from "@tanstack/react-router";
import { counted, integer } from "../../lib/format";
import { useScope } from "../../lib/scope";
import { SiteBadge } from "../sites/site-badge";
import { StateBar, StateCounts } from "../sites/state-bar";
import { Lines, MORE, NowPart } from "./now-part";
import type { Now } from "./use-now";

const SHOWN = 8;

/** Sites where something is not up, the worst share first. */
export function TroublePart({ now: { isKnown, troubled, sites } }: { now: Now }) {
  const { isMixed } = useScope();
  const hidden = troubled.length - SHOWN;
  return (
    <NowPart title="Sites in trouble" note={isKnown && troubled.length > 0 && `${integer(troubled.length)} of ${counted(sites.length, "site")}`} data-troubled={troubled.length}>
      {!isKnown ? <Lines count={4} label="Loading sites" /> : troubled.length === 0 ? (
        <p className="px-4 text-muted phone:px-3">None: all devices are up.</p>
      ) : (
        <ul aria-label="Sites in trouble">
          {troubled.slice(0, SHOWN).map((site) => (
            <li key={site.id} className="border-t border-line first:border-t-0" data-trouble={site.id}>
              <Link to="/sites/$id" params={{ id: site.id }} className="flex flex-col gap-1 px-4 py-1.5 hover:bg-hover phone:min-h-14 phone:px-3">
                <span className="flex items-baseline justify-between gap-4">
                  <span className="min-w-0 wrap-anywhere"><span className="font-medium">{site.name}</span>{isMixed && <span className="text-muted"> · {site.tenant.name}</span>}</span>
                  <span className="shrink-0"><SiteBadge site={site} /></span>
                </span>
                <span className="flex"><StateBar counts={site.counts} /></span>
                <span className="text-xs"><StateCounts counts={site.counts} words /></span>
              </Link>
            </li>
          ))}
        </ul>
      )}
      {hidden > 0 && <Link to="/sites" className={MORE}>and {integer(hidden)} more</Link>}
    </NowPart>
  );
}
