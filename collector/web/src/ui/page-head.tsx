import type { ReactNode } from "react";

export function PageHead({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="flex min-h-12 flex-wrap items-center gap-x-3 gap-y-2 px-4 py-2 phone:px-3">
      <h1 className="mr-1 text-base font-semibold">{title}</h1>
      {children}
    </div>
  );
}
