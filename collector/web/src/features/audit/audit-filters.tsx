import { type ReactNode, useRef, useState } from "react";
import { serverNow } from "../../lib/clock";
import { DAY_MS, dayOf } from "../../lib/expiry";
import { dateOnly } from "../../lib/format";
import { useMay } from "../../lib/role";
import { useCommands } from "../../lib/use-commands";
import { usePhone } from "../../lib/use-phone";
import { Button } from "../../ui/button";
import { FilterChip } from "../../ui/chip";
import { INPUT } from "../../ui/field";
import { FilterInput } from "../../ui/filter-input";
import { Picker } from "../../ui/picker";
import { Toggle } from "../../ui/toggle";
import { type AuditSearch, DAYS, LASTS, USUAL_LAST } from "./search";
import { KINDS } from "./words";

const EVERY = "every";
const NOWHERE = () => false;
const KIND_CHOICES = [
  { value: EVERY, label: "Every kind" },
  ...Object.entries(KINDS).map(([value, { all }]) => ({ value, label: all })),
];
const LAST_CHOICES = [...LASTS, { value: DAYS, label: "From day to day" }];

interface Props {
  search: AuditSearch;
  onChange: (patch: AuditSearch) => void;
}

/** What narrows the audit: text, kind and time. `/` leads to the text. On the phone all but the text is behind a button. */
export function AuditFilters({ search, onChange, children }: Props & { children: ReactNode }) {
  const input = useRef<HTMLInputElement>(null);
  const phone = usePhone();
  const [isOpen, setOpen] = useState(false);
  useCommands({ "list.filter": () => input.current?.select() });
  const inForce = [search.kind, search.last ?? search.from ?? search.to, search.of].filter(Boolean).length;
  return (
    <search className="flex min-w-0 flex-1 flex-wrap items-center gap-2 phone:contents">
      {phone && (
        <>
          <span className="flex-1" />
          <Button aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>{inForce > 0 ? `Filters (${inForce})` : "Filters"}</Button>
        </>
      )}
      <FilterInput label="Filter by person, thing, address or request" input={input} query={search.q ?? ""}
        onQuery={(q) => onChange({ q: q || undefined })} toRows={NOWHERE} />
      {(!phone || isOpen) && <><Choices search={search} onChange={onChange} />{children}</>}
    </search>
  );
}

function Choices({ search, onChange }: Props) {
  const may = useMay();
  const isDays = !!(search.from || search.to);
  const setLast = (value: string) => {
    const now = serverNow();
    if (value === DAYS) onChange({ from: dayOf(now - 7 * DAY_MS), to: dayOf(now), last: undefined });
    else {
      const last = value === USUAL_LAST ? undefined : (value as NonNullable<AuditSearch["last"]>);
      onChange({ from: undefined, to: undefined, last });
    }
  };
  return (
    <>
      <Picker label="Kind" className="desk:w-48! phone:order-2" choices={KIND_CHOICES} value={search.kind ?? EVERY}
        onChange={(kind) => onChange({ kind: kind === EVERY ? undefined : kind })} />
      <Picker label="Time" className="desk:w-40! phone:order-2" choices={LAST_CHOICES}
        value={isDays ? DAYS : (search.last ?? USUAL_LAST)} onChange={setLast} />
      {isDays && (
        <span className="flex items-center gap-2 phone:order-2 phone:w-full">
          <DayInput label="First day" value={search.from} onChange={(from) => onChange({ from })} />
          <span className="text-muted">to</span>
          <DayInput label="Last day" value={search.to} onChange={(to) => onChange({ to })} />
        </span>
      )}
      {(may.provider || search.of) && (
        <Toggle className="phone:order-2" title="Accounts, sign-ins and keys that belong to no tenant"
          on={search.of === "installation"} onChange={(on) => onChange({ of: on ? "installation" : undefined })}>
          Provider only
        </Toggle>
      )}
    </>
  );
}

function DayInput({ label, value, onChange }: {
  label: string; value: string | undefined; onChange: (day: string | undefined) => void;
}) {
  return (
    <input type="date" aria-label={label} className={`${INPUT} desk:w-36!`} value={value ?? ""}
      onChange={(event) => onChange(event.target.value || undefined)} />
  );
}

/** The filters in force; a click takes one away. */
export function AuditChips({ search, onChange }: Props) {
  const { q, kind, last, from, to } = search;
  if (!q && !kind && !last && !from && !to) return null;
  return (
    <div role="group" aria-label="Filters in force" className="flex flex-wrap items-center gap-2 px-4 pb-2 phone:px-3">
      {q && <FilterChip label="Clear the text" onRemove={() => onChange({ q: undefined })}>«{q}»</FilterChip>}
      {kind && <FilterChip label="Show every kind" onRemove={() => onChange({ kind: undefined })}>{KINDS[kind]?.all}</FilterChip>}
      {last && (
        <FilterChip label="Back to the last 7 days" onRemove={() => onChange({ last: undefined })}>
          {LASTS.find(({ value }) => value === last)?.label}
        </FilterChip>
      )}
      {(from || to) && (
        <FilterChip label="Back to the last 7 days" onRemove={() => onChange({ from: undefined, to: undefined })}>
          {from ? dateOnly(`${from}T00:00`) : "the beginning"} – {to ? dateOnly(`${to}T00:00`) : "now"}
        </FilterChip>
      )}
    </div>
  );
}
