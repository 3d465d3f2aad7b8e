import { Link } from "@tanstack/react-router";
import { clockTime, counted, dateTime, integer } from "../../lib/format";
import { useScope } from "../../lib/scope";
import { SeverityShape } from "../alerts/badges";
import { SEVERITY_WORD, severityOf, summaryOf } from "../alerts/standing";
import { endWord, lastedWords } from "../alerts/subject";
import { LINE, Lines, MORE, NowPart } from "./now-part";
import { type Over, OVER_H, spanOf } from "./over";
import { useOver } from "./use-over";

const SHOWN = 8;
const CHANGED_SHOWN = 6;

/** What the morning asks: what was wrong over night, for how long, who looked after it, and what was changed. */
export function OverPart() {
  const { over, changed, isCut, sinceMs, error } = useOver();
  const hidden = (over?.length ?? 0) - SHOWN;
  return (
    <NowPart title={`Over in the last ${OVER_H} h`} note={over && over.length > 0 && `${counted(over.length, "incident")}${isCut ? " at least" : ""}`} data-over={over?.length ?? "loading"}>
      {!over && (error ? <p className="px-4 text-muted phone:px-3">Not known: {error.message}</p> : <Lines count={2} label="Loading what is over" />)}
      {over?.length === 0 && <p className="px-4 text-muted phone:px-3">Nothing: no incident ended since {clockTime(sinceMs, false)}.</p>}
      {over && over.length > 0 && <ul aria-label={`Over in the last ${OVER_H} h`}>{over.slice(0, SHOWN).map((one) => <Row key={one.root} {...one} />)}</ul>}
      {(hidden > 0 || isCut) && <Link to="/alerts" search={{ state: "resolved" }} className={MORE}>{hidden > 0 ? `and ${integer(hidden)} more` : "All that is over"}</Link>}
      {changed.length > 0 && (
        <p className={`${over?.length === 0 ? "px-4 pt-1 phone:px-3" : LINE} text-muted`} data-changed={changed.length}>
          {counted(changed.length, "configuration")} changed:{" "}
          {changed.slice(0, CHANGED_SHOWN).map(({ device, version, at }, i) => (
            <span key={device.id}>
              {i > 0 && ", "}
              <Link to="/config/$id" params={{ id: version }} className="text-text underline decoration-edge underline-offset-4 phone:inline-flex phone:min-h-6 phone:items-center">{device.name}</Link>
              <span className="text-xs"> {clockTime(Date.parse(at), false)}</span>
            </span>
          ))}
          {changed.length > CHANGED_SHOWN && `, and ${integer(changed.length - CHANGED_SHOWN)} more`}
        </p>
      )}
    </NowPart>
  );
}

function Row({ root, lead, times, others }: Over) {
  const { isMixed } = useScope();
  const severity = severityOf(lead);
  const [began, over] = spanOf(lead);
  const when = `${clockTime(Date.parse(began), false)} – ${clockTime(Date.parse(over), false)}`;
  const words = [
    isMixed && lead.tenant.name, lead.site.name, times > 1 && `${integer(times)} times`, others > 0 && `${counted(others, "other alert")}`,
    lead.ack && `acknowledged by ${lead.ack.by}`, endWord(lead.cause),
  ].filter(Boolean);
  return (
    <li className={`${LINE} flex items-start gap-3`} data-over-root={root}>
      <span className="mt-1 inline-flex" title={SEVERITY_WORD[severity]}><SeverityShape severity={severity} size={13} tone="text-muted" /><span className="sr-only">{SEVERITY_WORD[severity]}: </span></span>
      <span className="min-w-0 flex-1">
        <span className="flex items-baseline gap-x-4">
          <Link to="/alerts/$id" params={{ id: lead.id }} className="min-w-0 flex-1 wrap-anywhere hover:underline phone:min-h-6">{summaryOf(lead)}</Link>
          <span className="num shrink-0 text-xs text-muted phone:hidden" title={`${dateTime(began)} – ${dateTime(over)}`}>{when}</span>
          <span className="num w-20 shrink-0 text-xs text-text phone:w-auto">{lastedWords(lead)}</span>
        </span>
        <span className="block text-xs text-muted wrap-anywhere"><span className="desk:hidden">{when} · </span>{words.join(" · ")}</span>
      </span>
    </li>
  );
}
