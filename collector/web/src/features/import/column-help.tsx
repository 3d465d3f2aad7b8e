import { useRef } from "react";
import { useCopy } from "../../lib/use-copy";
import { Button } from "../../ui/button";
import { COPY_WORD } from "../../ui/copy-line";
import { Icon } from "../../ui/icon";
import { Tag } from "../../ui/tag";
import { COLUMNS, TEMPLATE } from "./columns";

/** A table to begin with, and what each column means. */
export function ColumnHelp() {
  const shown = useRef<HTMLPreElement>(null);
  const [outcome, copy] = useCopy(TEMPLATE, shown);
  return (
    <details className="rounded-md border border-line bg-surface" data-column-help>
      <summary className="cursor-pointer px-3 py-2 font-medium phone:min-h-11 phone:py-3">Template and columns</summary>
      <div className="flex flex-col gap-3 border-t border-line px-3 py-3">
        <div className="flex flex-wrap items-start gap-3">
          {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls sideways on the phone */}
          <pre ref={shown} tabIndex={0} aria-label="Template" className="min-w-0 flex-1 overflow-x-auto rounded-md border border-line bg-bg px-3 py-2 font-mono text-xs">{TEMPLATE.trimEnd()}</pre>
          <Button onClick={copy}><Icon name={outcome === "copied" ? "check" : "copy"} size={14} /> {outcome === "copied" ? COPY_WORD.copied : "Copy the template"}</Button>
        </div>
        {outcome === "marked" && <p role="status" className="text-xs text-degraded">{COPY_WORD.marked}</p>}
        <dl className="grid grid-cols-[minmax(110px,auto)_1fr] gap-x-4 gap-y-1">
          {COLUMNS.map(({ name, note, isSecret }) => (
            <div key={name} className="contents">
              <dt className="font-mono text-xs leading-5">{name}</dt>
              <dd className="text-muted">{note} {isSecret && <Tag>stored sealed</Tag>}</dd>
            </div>
          ))}
        </dl>
      </div>
    </details>
  );
}
