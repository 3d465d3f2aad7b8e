import type { ReactNode } from "react";

/** A row that is a card on the phone: two columns of labelled values below its name. */
export const ROW =
  "h-9 border-b border-line hover:bg-hover phone:grid phone:h-auto phone:grid-cols-2 phone:gap-x-3 " +
  "phone:relative phone:gap-y-1.5 phone:rounded-lg phone:border phone:bg-surface phone:p-3";

export const BODY = "phone:flex phone:flex-col phone:gap-2 phone:p-3";

interface Props {
  children: ReactNode;
  className?: string;
  figure?: boolean | undefined;
  /** The name of the row: the heading of the card. */
  title?: boolean | undefined;
  /** Shown on the phone, where the table has no headings. */
  label?: string | undefined;
}

export function Cell({ children, className = "", figure, title, label }: Props) {
  const look = title ? "font-medium phone:order-first phone:col-span-2 phone:text-base" : "";
  return (
    <td className={`px-2 desk:py-1 first:pl-4 last:pr-4 phone:flex phone:min-w-0 phone:items-center phone:px-0! ${figure ? "num phone:text-left" : ""} ${look} ${className}`}>
      {label && <span className="mr-2 hidden text-xs text-muted phone:inline">{label}</span>}
      {children}
    </td>
  );
}

/** What can be done with a row: at the end of it, and over the whole width of a card. */
export function ActionCell({ children, className = "" }: { children: ReactNode; className?: string }) {
  return (
    <td className={`px-2 text-right last:pr-4 desk:whitespace-nowrap phone:col-span-2 phone:flex phone:gap-2 phone:px-0! phone:*:flex-1 ${className}`}>
      {children}
    </td>
  );
}
