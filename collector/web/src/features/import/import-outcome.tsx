import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { counted, integer, NONE } from "../../lib/format";
import type { Imported, ImportRow } from "../../lib/types";
import { Button } from "../../ui/button";
import { Segments } from "../../ui/segments";
import { StateShape } from "../../ui/state-badge";
import { BODY, Cell, ROW } from "../../ui/table-cell";
import { TableHead } from "../../ui/table-head";
import { saveText } from "../../lib/save-text";
import { failedCsv, shortMessage, typedIn, whatWords } from "./columns";

interface Props {
  imported: Imported;
  /** What it is the answer to. */
  csv: string;
  isBusy: boolean;
  onImport: () => void;
  onAnother: () => void;
}

type Show = "all" | ImportRow["outcome"];

/** Rows on the page until somebody asks for more. */
const ROWS_FIRST = 200;
const COLUMNS = [
  { by: "line", label: "Line", figure: true }, { by: "outcome", label: "Outcome" }, { by: "address", label: "Address" },
  { by: "name", label: "Name" }, { by: "what", label: "What is wrong" },
] as const;
const unsorted = () => {};

/** What a table would add, or has added, row by row. */
export function ImportOutcome({ imported, csv, isBusy, onImport, onAnother }: Props) {
  const { dry_run: isDry, rows, create, exists, errors, unknown_columns: unknown } = imported;
  const [chosen, setChosen] = useState<Show | null>(null);
  const [count, setCount] = useState(ROWS_FIRST);
  const typed = useMemo(() => typedIn(csv), [csv]);
  // What is wrong is what one looks for first.
  const show = chosen ?? (errors > 0 ? "error" : "all");
  const shown = rows.filter(({ outcome }) => show === "all" || outcome === show);
  return (
    <section aria-label={isDry ? "Preview" : "Outcome"} className="flex flex-col gap-4" data-import-told={isDry ? "preview" : "added"}>
      <h2 role="status" className="text-base font-semibold">{headWords(imported)}</h2>
      {unknown.length > 0 && (
        <p className="rounded-md border border-edge bg-degraded-soft px-3 py-2 wrap-anywhere" data-unknown-columns>
          Not read, as no column is called so: {unknown.join(", ")}.
        </p>
      )}
      <Segments label="Which rows" value={show} onChange={setChosen} segments={[
        { value: "error", label: "Wrong", count: integer(errors) }, { value: "create", label: isDry ? "New" : "Added", count: integer(create) },
        { value: "exists", label: "Already there", count: integer(exists) }, { value: "all", label: "All", count: integer(rows.length) },
      ]} />
      {shown.length === 0 ? <p className="text-muted">No row is so.</p> : (
        <table className="w-full border-collapse phone:block" aria-label="Rows of the table">
          <TableHead columns={COLUMNS} sorting={null} onSort={unsorted} hasActions={false} />
          <tbody className={`${BODY} phone:px-0!`}>{shown.slice(0, count).map((row) => <Row key={row.line} row={row} isDry={isDry} typed={typed} />)}</tbody>
        </table>
      )}
      {shown.length > count && <Button className="self-start" onClick={() => setCount(count * 4)}>Show more ({integer(shown.length - count)})</Button>}
      <div className="flex flex-wrap items-center gap-3">
        {isDry && (
          <Button look="solid" disabled={create === 0 || isBusy} onClick={onImport} data-import-run>
            {isBusy ? "Importing…" : `Import ${counted(create, "device")}`}
          </Button>
        )}
        {!isDry && (
          <Link to="/fleet" className="inline-flex h-8 items-center rounded-md bg-solid px-3 font-medium text-on-solid hover:opacity-95 phone:min-h-11">See them in the fleet</Link>
        )}
        {errors > 0 && (
          <Button onClick={() => saveText(failedCsv(csv, rows), "rows-that-failed.csv")} data-import-failed title="Without communities and passwords">
            Download the rows that failed
          </Button>
        )}
        {!isDry && <Button onClick={onAnother}>Import another table</Button>}
      </div>
    </section>
  );
}

function headWords({ dry_run: isDry, create, exists, errors }: Imported): string {
  const parts = [isDry ? `${counted(create, "new device")}` : `${counted(create, "device")} added`];
  if (exists > 0) parts.push(`${integer(exists)} already there`);
  if (errors > 0) parts.push(`${counted(errors, "row")} wrong`);
  return `${parts.join(", ")}.`;
}

function Row({ row, isDry, typed }: { row: ImportRow; isDry: boolean; typed: ReturnType<typeof typedIn> }) {
  const { line, outcome, address, name, device, field, message } = row;
  const wrong = outcome === "error" && field ? typed(line, field) : null;
  const shown = address ?? typed(line, "address");
  return (
    <tr className={ROW} data-import-row={line} data-outcome={outcome}>
      <Cell label="Line" figure className="phone:order-1">{integer(line)}</Cell>
      <Cell className="whitespace-nowrap phone:order-1">
        <span className="inline-flex items-center gap-2">
          <StateShape state={outcome === "error" ? "down" : outcome === "create" ? "up" : "unknown"} size={10} />
          {outcome === "error" ? "wrong" : outcome === "exists" ? "already there" : isDry ? "new" : "added"}
        </span>
      </Cell>
      <Cell title className="font-mono text-xs">
        {field === "address" && shown ? <Wrong text={shown} /> : shown ?? NONE}
      </Cell>
      <Cell label="Name" className="desk:whitespace-nowrap phone:order-2 phone:col-span-2">
        {device ? <Link to="/devices/$id" params={{ id: device }} className="text-accent hover:underline phone:inline-flex phone:min-h-11 phone:items-center">{name}</Link> : name ?? NONE}
      </Cell>
      <Cell className="phone:order-3 phone:col-span-2 wrap-anywhere">
        <span className={outcome === "error" ? "" : "text-muted"} title={whatWords(row)}>
          {field && <>{field} {field !== "address" && wrong && <Wrong text={wrong} />} </>}
          {shortMessage(message)}
        </span>
      </Cell>
    </tr>
  );
}

/** What was typed, where it is wrong. */
function Wrong({ text }: { text: string }) {
  return <mark className="rounded-sm bg-down-soft px-1 font-mono text-xs text-down wrap-anywhere" data-typed>{text}</mark>;
}
