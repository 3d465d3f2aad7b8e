import { type ReactNode, useId, useState } from "react";
import { serverNow } from "../../lib/clock";
import { integer, percent } from "../../lib/format";
import { useEachSecond } from "../../lib/live-app";
import { causeHint, isDim, missingWord } from "../../lib/state";
import type { Cause } from "../../lib/types";
import { ageTitle } from "../../ui/age";
import { Button } from "../../ui/button";
import type { Load, Reading } from "./hardware-objects";

/** Rows of a group that are shown at once. */
const FIRST = 16;
/** From here on something is nearly full. */
const FULL = 0.9;

export function Group({ title, count, columns, children }: {
  title: string; count?: number; columns?: boolean; children: ReactNode;
}) {
  const id = useId();
  const [all, setAll] = useState(false);
  const rows = Array.isArray(children) ? children : [children];
  const shown = all || rows.length <= FIRST ? rows : rows.slice(0, FIRST);
  return (
    <section aria-labelledby={id} className="overflow-hidden rounded-lg border border-line bg-surface" data-hardware={title}>
      <h3 id={id} className="flex items-baseline gap-2 border-b border-line px-3 py-2 font-semibold">
        {title}
        {count !== undefined && count > 1 && <span className="text-xs font-normal text-muted">{integer(count)}</span>}
      </h3>
      <ul className={`m-0 list-none p-0 ${columns ? "grid grid-cols-2 max-[560px]:grid-cols-1" : ""}`}>{shown}</ul>
      {shown.length < rows.length && (
        <Button look="quiet" className="m-1" onClick={() => setAll(true)}>Show all {integer(rows.length)}</Button>
      )}
    </section>
  );
}

interface Pick {
  chosen: string | null;
  onChoose: (object: string) => void;
}

/** A row that leads to its chart. */
function Row({ id, title, chosen, onChoose, children }: Pick & { id: string; title?: string; children: ReactNode }) {
  return (
    <li className="border-b border-line last:border-b-0">
      <button type="button" aria-pressed={id === chosen} data-object={id} title={title} onClick={() => onChoose(id)}
        className="grid min-h-8 w-full grid-cols-[minmax(0,1fr)_auto] items-center gap-x-3 px-3 py-1 text-left hover:bg-hover
          aria-pressed:bg-selected focus-visible:-outline-offset-2 phone:min-h-11">
        {children}
      </button>
    </li>
  );
}

function useTone(at: string | null, interval: number): string {
  return useEachSecond(() => isDim(at, interval, serverNow())) ? "stale" : "";
}

/** What is said of a row on a closer look: its age, and why it has no figure. */
function titleOf(name: string, at: string | null, cause: Cause | null): string {
  const why = cause && (causeHint(cause) ?? missingWord(cause));
  return why ? `${name}: ${why}` : `${name}: ${ageTitle(at)}`;
}

export function LoadRow({ row, interval, ...pick }: Pick & { row: Load; interval: number }) {
  const { object, name, share, words, cause, at } = row;
  const tone = useTone(at, interval);
  return (
    <Row id={object.object} title={titleOf(name, at, cause)} {...pick}>
      <span className="clip">{name}</span>
      {share === null ? (
        <span className={`num text-muted ${tone}`} data-missing={cause ?? undefined}>{words}</span>
      ) : (
        <span className={`grid grid-cols-[auto_96px_56px] items-center gap-x-3 phone:grid-cols-[auto_56px_52px] ${tone}`}>
          <span className="num text-muted">{words}</span>
          <span aria-hidden="true" className="h-1.5 overflow-hidden rounded-full bg-line">
            <span className={`block h-full rounded-full ${share >= FULL ? "bg-degraded" : "bg-chart-in"}`}
              style={{ width: `${Math.min(1, Math.max(0, share)) * 100}%` }} />
          </span>
          <span className="num">{percent(share)} %</span>
        </span>
      )}
    </Row>
  );
}

export function ReadingRow({ row, interval, ...pick }: Pick & { row: Reading; interval: number }) {
  const { object, ...shown } = row;
  return <FigureRow id={object.object} {...shown} interval={interval} {...pick} />;
}

export function FigureRow({ id, name, text, cause, at, interval, ...pick }: Pick & Omit<Reading, "object"> & { id: string; interval: number }) {
  const tone = useTone(at, interval);
  return (
    <Row id={id} title={titleOf(name, at, cause)} {...pick}>
      <span className="clip">{name}</span>
      <span className={`num ${cause ? "text-muted" : ""} ${tone}`} data-missing={cause ?? undefined}>{text}</span>
    </Row>
  );
}
