import { type ReactNode, useId, useState } from "react";
import { Button } from "./button";
import { Icon } from "./icon";
import { ActionCell, Cell, ROW } from "./table-cell";
import type { Heading } from "./table-head";

export interface Column<T> extends Heading<T> {
  cell: (row: T) => ReactNode;
  /** The name of the row. */
  title?: boolean;
  className?: string;
  /** Says what it is by itself: no label on the phone. */
  isPlain?: boolean;
}

interface Props<T> {
  row: T;
  id: string;
  columns: readonly Column<T>[];
  renderActions?: ((row: T) => ReactNode) | undefined;
  renderDetail?: ((row: T) => ReactNode) | undefined;
}

/** On the phone a tap anywhere on the card opens it; what else can be tapped lies over that. */
const OPENS = "phone:[&_a]:relative phone:[&_a]:z-1 phone:[&_button:not([aria-expanded])]:relative phone:[&_button:not([aria-expanded])]:z-1";

/** A row, and below it what it holds besides, once it is opened. */
export function TableRow<T>({ row, id, columns, renderActions, renderDetail }: Props<T>) {
  const [open, setOpen] = useState(false);
  const detail = useId();
  return (
    <>
      <tr className={`${ROW} ${renderDetail ? OPENS : ""} ${open ? "bg-hover phone:rounded-b-none phone:border-b-0" : ""}`} data-row={id}>
        {columns.map(({ by, label: name, cell, figure, title, wide, isPlain, className = "" }) => (
          <Cell key={by} figure={figure} title={title} label={title || isPlain ? undefined : name}
            className={`${className} ${wide ? "phone:hidden" : ""} ${title && renderDetail ? "phone:pr-7!" : ""}`}>
            {cell(row)}
          </Cell>
        ))}
        {(renderActions || renderDetail) && (
          <ActionCell className={renderActions ? "" : "phone:contents!"}>
            {renderActions?.(row)}
            {renderDetail && (
              <Button look="quiet" aria-expanded={open} aria-controls={open ? detail : undefined} title={open ? "Less" : "More"}
                className="size-8 px-0! phone:absolute! phone:inset-0 phone:size-full phone:items-start phone:justify-end phone:p-3!" onClick={() => setOpen(!open)}>
                <span className="sr-only">Details</span>
                <span className={open ? "rotate-180" : ""}><Icon name="chevron" size={14} /></span>
              </Button>
            )}
          </ActionCell>
        )}
      </tr>
      {open && renderDetail && (
        <tr id={detail} data-detail={id}
          className="border-b border-line bg-hover phone:-mt-2 phone:block phone:rounded-b-lg phone:border phone:border-t-0 phone:bg-surface">
          <td colSpan={columns.length + 1} className="px-4 pt-1 pb-4 phone:block phone:px-3">{renderDetail(row)}</td>
        </tr>
      )}
    </>
  );
}
