import { type DragEvent, useRef, useState } from "react";
import { counted } from "../../lib/format";
import { Button } from "../../ui/button";
import { FieldFrame, INPUT } from "../../ui/field";
import { parseCsv } from "./csv";

/** The collector takes no more. */
const BYTES_MAX = 1024 * 1024;

interface Props {
  value: string;
  onChange: (text: string) => void;
  error: string | undefined;
}

/** Without the one that names the columns. */
export function rowsIn(csv: string): number {
  return Math.max(0, parseCsv(csv).length - 1);
}

/** A table: dropped, chosen or pasted. */
export function CsvField({ value, onChange, error }: Props) {
  const picker = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);
  const read = async (file: File | undefined) => {
    if (!file) return;
    if (file.size > BYTES_MAX) {
      setRefused(`${file.name} is larger than 1 MiB: make several tables of it.`);
      return;
    }
    setRefused(null);
    onChange(await file.text());
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void read(event.dataTransfer.files[0]);
  };
  const rows = rowsIn(value);
  return (
    <FieldFrame id="import-csv" label="Table" error={refused ?? error}
      hint={rows > 0 ? counted(rows, "row") : "CSV in UTF-8, the first row names the columns. This browser keeps nothing of it."}>
      <div className="flex flex-col gap-2" onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }} onDragLeave={() => setOver(false)} onDrop={drop}>
        <textarea id="import-csv" rows={8} spellCheck={false} autoComplete="off" autoCapitalize="none" wrap="off"
          className={`${INPUT} h-auto! py-1.5 font-mono text-xs! ${isOver ? "border-accent! bg-selected!" : ""}`}
          placeholder={"Drop a file here, or paste:\naddress,name,site\n192.0.2.1,core-1,Depot"} value={value}
          aria-invalid={refused ?? error ? true : undefined} aria-describedby="import-csv-note" onChange={(event) => {
            setRefused(null);
            onChange(event.target.value);
          }} />
        <input ref={picker} type="file" accept=".csv,.tsv,.txt,text/csv,text/tab-separated-values,text/plain" className="hidden" tabIndex={-1}
          aria-label="File with the table" data-import-file onChange={(event) => {
            void read(event.target.files?.[0]);
            // The same file may be chosen once more, when it was mended.
            event.target.value = "";
          }} />
        <Button className="self-start" onClick={() => picker.current?.click()}>Choose a file…</Button>
      </div>
    </FieldFrame>
  );
}
