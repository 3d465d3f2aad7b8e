import type { ReactNode } from "react";

/** Says why there is nothing and what to do about it. */
export function Empty({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="mx-auto flex max-w-[520px] flex-col items-start gap-3 px-6 py-16">
      <h2 className="text-lg font-semibold">{title}</h2>
      <div className="flex w-full flex-col gap-3 text-muted">{children}</div>
    </div>
  );
}
