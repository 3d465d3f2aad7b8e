import { useState } from "react";
import { serverNow } from "../../lib/clock";
import { bytes, dateTime, momentTime } from "../../lib/format";
import type { AgentRefused, Ledger } from "../../lib/types";
import { type Column, DataTable } from "../../ui/data-table";
import { Fact, Facts } from "../../ui/facts";
import { Icon } from "../../ui/icon";
import { useRefused } from "./agent-losses";
import { hexLines, refusedLine, refusedWords } from "./refused-words";

const NEWEST = { by: "when", desc: true } as const;

const COLUMNS: readonly Column<AgentRefused>[] = [
  { by: "when", label: "At", title: true, className: "whitespace-nowrap", read: ({ at }) => Date.parse(at), cell: ({ at }) => <time dateTime={at} title={dateTime(at)}>{momentTime(at, serverNow())}</time> },
  { by: "batch", label: "Stream / number", className: "whitespace-nowrap phone:col-span-2", read: ({ seq }) => seq, cell: ({ stream, seq }) => <span className="font-mono text-xs">{stream}/{seq}</span> },
  { by: "size", label: "Size", figure: true, read: (row) => row.bytes, cell: (row) => bytes(row.bytes) },
  { by: "why", label: "Why", className: "desk:pl-6 phone:col-span-2", read: refusedWords, cell: (row) => <span className="wrap-anywhere">{refusedWords(row)}</span> },
];

const keyOf = ({ stream, seq }: AgentRefused) => `${stream} ${seq}`;

/** What the agent sent and the collector would never take: a line that opens. Nothing where there is none. */
export function RefusedPart({ id, refused: { batches, last_at: lastAt } }: { id: string; refused: Ledger["refused"] }) {
  const [open, setOpen] = useState(false);
  if (batches === 0) return null;
  return (
    <div className="pt-2" data-refused={batches}>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}
        className="mx-4 inline-flex min-h-8 items-center gap-1.5 text-muted hover:text-text phone:mx-3 phone:min-h-11">
        {refusedLine(batches)}
        <span className={open ? "rotate-180" : ""}><Icon name="chevron" size={14} /></span>
      </button>
      {open && <Refused id={id} lastAt={lastAt} />}
    </div>
  );
}

function Refused({ id, lastAt }: { id: string; lastAt: string | null }) {
  const list = useRefused(id, lastAt);
  return (
    <>
      <p className="max-w-[620px] px-4 pb-2 text-xs text-muted phone:px-3">
        The agent sends these no more: it keeps a copy on its disk and declares what was in them lost. Bring the agent and the
        collector to the same version. If more come then, tell its makers one of the hashes.
      </p>
      <DataTable label="Refused batches" list={list} columns={COLUMNS} keyOf={keyOf} first={NEWEST} empty={null} renderDetail={(row) => <Content row={row} />} />
    </>
  );
}

function Content({ row: { hash, head, bytes: size } }: { row: AgentRefused }) {
  const text = head === null ? null : hexLines(head);
  return (
    <div className="flex min-w-0 flex-col gap-2">
      <Facts><Fact name="BLAKE3"><code className="font-mono text-xs wrap-anywhere select-all">{hash}</code></Fact></Facts>
      {text === null ? <p className="text-muted">What was in it is for who may change agents.</p> : (
        // It scrolls: by the keyboard, too.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <pre tabIndex={0} role="group" aria-label={`How it began, of ${bytes(size)}`} className="max-h-48 overflow-auto rounded-md border border-line bg-bg px-3 py-2 font-mono text-xs" data-head>{text}</pre>
      )}
    </div>
  );
}
