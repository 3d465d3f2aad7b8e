import { type ReactNode, useRef } from "react";
import { integer } from "../lib/format";
import { useCommands } from "../lib/use-commands";
import { Button } from "./button";
import { FilterInput } from "./filter-input";

interface Props {
  label: string;
  query: string;
  onQuery: (query: string) => void;
  /** Selects and switches beside the text. */
  children?: ReactNode;
  shown: number;
  total: number;
  /** How many of what: «3 devices». */
  count: (total: number) => string;
  /** Present while anything is filtered. */
  onClear?: (() => void) | undefined;
  toRows?: () => boolean;
}

const NOWHERE = () => false;

/** What narrows a list, and how much of it is left. `/` leads to the text. */
export function FilterBar({
  label, query, onQuery, children, shown, total, count, onClear, toRows = NOWHERE,
}: Props) {
  const input = useRef<HTMLInputElement>(null);
  useCommands({ "list.filter": () => input.current?.select() });
  return (
    <search className="flex min-w-0 flex-wrap items-center gap-2 phone:order-2 phone:w-full">
      <FilterInput label={label} input={input} query={query} onQuery={onQuery} toRows={toRows} />
      {children}
      {onClear && (
        <Button look="quiet" onClick={onClear}>
          Clear
        </Button>
      )}
      <span className={`text-xs text-muted phone:order-3 ${shown === total ? "phone:sr-only" : ""}`} role="status" data-filter-count>
        {shown === total ? count(total) : `${integer(shown)} of ${count(total)}`}
      </span>
    </search>
  );
}
