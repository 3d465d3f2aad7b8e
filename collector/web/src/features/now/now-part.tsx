import { type ReactNode, useId } from "react";

/** A part of the page, under a heading of its own; `note` stands at the end of its line. */
export function NowPart({ title, note, children, ...mark }: { title: string; note?: ReactNode; children: ReactNode } & Record<`data-${string}`, string | number>) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="border-b border-line py-3 last:border-b-0" {...mark}>
      <div className="flex items-baseline justify-between gap-4 px-4 pb-1.5 phone:px-3">
        <h2 id={id} className="font-semibold">{title}</h2>
        <span className="text-xs text-muted">{note}</span>
      </div>
      {children}
    </section>
  );
}

export const MORE = "mx-4 inline-flex min-h-7 items-center text-accent hover:underline phone:mx-3 phone:min-h-11";
/** Lines of a part. */
export const LINE = "border-t border-line px-4 py-1.5 first:border-t-0 phone:px-3";

/** Lines to come, as high as they will be. */
export function Lines({ count, label }: { count: number; label: string }) {
  return (
    <div role="status" aria-label={label}>
      {Array.from({ length: count }, (_, at) => (
        // The lines are all alike and never move.
        // oxlint-disable-next-line react/no-array-index-key
        <div key={at} className={`flex h-13 items-center ${LINE}`}><div className="h-2 w-2/5 animate-[breathe_1.6s_infinite] rounded bg-line" /></div>
      ))}
    </div>
  );
}
