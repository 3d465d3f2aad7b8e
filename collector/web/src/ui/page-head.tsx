import type { ReactNode } from "react";

interface Props {
  title: string;
  /** On the phone the navigation says where one is: the list begins higher. */
  isBare?: boolean;
  children?: ReactNode;
}

export function PageHead({ title, isBare, children }: Props) {
  return (
    <div className="flex min-h-12 flex-wrap items-center gap-x-3 gap-y-2 px-4 py-2 phone:px-3">
      <h1 className={`mr-1 text-base font-semibold ${isBare ? "phone:sr-only" : ""}`}>{title}</h1>
      {children}
    </div>
  );
}
