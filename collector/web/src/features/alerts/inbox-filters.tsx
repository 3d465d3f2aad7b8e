import type { ReactNode } from "react";
import { integer } from "../../lib/format";
import { usePhone } from "../../lib/use-phone";
import { Picker } from "../../ui/picker";
import { SeverityShape, StandingShape } from "./badges";
import { SEVERITIES, SEVERITY_WORD, type Severity, STANDING_NOTE, STANDING_WORD, type Standing, STANDINGS } from "./standing";
import type { Inbox } from "./use-inbox";

function Press({ on, title, onClick, children, ...rest }: {
  on: boolean; title: string; onClick: () => void; children: ReactNode;
} & Record<`data-${string}`, string>) {
  return (
    <button type="button" aria-pressed={on} title={title} onClick={onClick} {...rest}
      className={`inline-flex h-8 items-center gap-1.5 rounded-md border px-2.5 whitespace-nowrap phone:h-11 phone:flex-1 phone:justify-center phone:px-1 ${
        on ? "border-accent bg-selected" : "border-transparent hover:bg-hover phone:border-edge"}`}>
      {children}
    </button>
  );
}

/** How many there are of each severity; a click shows those alone. */
export function SeverityTabs({ inbox }: { inbox: Inbox }) {
  const { search, setSearch, counts } = inbox;
  // What is over is counted page by page, not by severity.
  const isCounted = search.state !== "resolved";
  const all = SEVERITIES.reduce((sum, one) => sum + counts.severity[one], 0);
  const tab = (severity: Severity | undefined) => setSearch({ severity });
  return (
    <div role="group" aria-label="Severity" className="flex gap-1 phone:order-3 phone:w-full">
      <Press on={!search.severity} title="All severities" onClick={() => tab(undefined)} data-severity-tab="all">
        <span className={search.severity ? "text-muted" : ""}>All</span>
        {isCounted && <span className="font-medium">{integer(all)}</span>}
      </Press>
      {SEVERITIES.map((severity) => (
        <Press key={severity} on={search.severity === severity} title={`Show only ${SEVERITY_WORD[severity].toLowerCase()}`}
          onClick={() => tab(search.severity === severity ? undefined : severity)} data-severity-tab={severity}>
          <SeverityShape severity={severity} size={11} />
          <span className="text-muted phone:sr-only">{SEVERITY_WORD[severity]}</span>
          {isCounted && <span className="font-medium">{integer(counts.severity[severity])}</span>}
        </Press>
      ))}
    </div>
  );
}

const OPEN = "open";

export function StandingFilter({ inbox }: { inbox: Inbox }) {
  const { search, setSearch, counts } = inbox;
  const phone = usePhone();
  const choose = (state: Standing | undefined) => setSearch({ state });
  const count = (standing: Standing) => (standing === "resolved" ? null : counts.standing[standing]);
  if (phone) {
    const choices = STANDINGS.map((one) => ({ value: one, label: STANDING_WORD[one], ...(count(one) === null ? {} : { note: integer(count(one)) }) }));
    return (
      <span className="order-3 w-27">
        <Picker label="State" value={search.state ?? OPEN} choices={[{ value: OPEN, label: "Open" }, ...choices]}
          onChange={(value) => choose(STANDINGS.find((one) => one === value))} />
      </span>
    );
  }
  return (
    <div role="group" aria-label="State" className="flex flex-wrap gap-1">
      <Press on={!search.state} title="All that are not over" onClick={() => choose(undefined)} data-standing-filter="open">
        <span className={search.state ? "text-muted" : ""}>Open</span>
      </Press>
      {STANDINGS.map((standing) => (
        <Press key={standing} on={search.state === standing} title={`Show only those: ${STANDING_NOTE[standing]}`}
          onClick={() => choose(search.state === standing ? undefined : standing)} data-standing-filter={standing}>
          <StandingShape standing={standing} size={11} />
          <span className="text-muted">{STANDING_WORD[standing]}</span>
          {count(standing) !== null && <span className="font-medium">{integer(count(standing))}</span>}
        </Press>
      ))}
    </div>
  );
}
