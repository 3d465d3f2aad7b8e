import { type ReactNode, useId } from "react";

/** A part of a panel, under a heading of its own. */
export function Part({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="flex flex-col gap-1.5">
      <h3 id={id} className="font-semibold">{title}</h3>
      {children}
    </section>
  );
}
