import { type ReactNode, type SubmitEvent, use, useEffect, useRef } from "react";
import { ApiError } from "../lib/api";
import { Button } from "./button";
import { ErrorNote } from "./error-note";
import { InPanelContext } from "./in-panel";

type Fields = Readonly<Record<string, string>>;

/** The server's word on each field of what was sent. */
export function fieldErrors(error: Error | null): Fields {
  return error instanceof ApiError ? error.fields : {};
}

interface Props {
  onSubmit: (data: FormData) => void;
  /** What went wrong with the last try. */
  error: Error | null;
  /** In place of the server's, when the form was not sent at all. */
  fields?: Fields | undefined;
  /** Fields that show their own error: one that is not among them is told below. */
  shows: readonly string[];
  action: string;
  busy: boolean;
  busyAction?: string;
  disabled?: boolean;
  onCancel: () => void;
  cancelLabel?: string;
  /** On a page it is longer than the screen: its buttons stay in sight there, too. */
  isLong?: boolean;
  children: ReactNode;
}

const END = "mt-auto flex flex-wrap items-center justify-end gap-2";
/** What is below shows through nowhere: as wide as the panel, or as the form on a page. */
const END_IN_PANEL = "sticky bottom-0 z-2 -mx-5 border-t border-line bg-raised px-5 py-3";
const END_OF_PAGE = "sticky bottom-0 z-2 border-t border-line bg-bg py-3";

/** A form that leads to its first wrong field, and says below what belongs to none. */
export function Form({
  onSubmit, error, fields = fieldErrors(error), shows, action, busy, busyAction = action, disabled, onCancel,
  cancelLabel = "Cancel", isLong, children,
}: Props) {
  const form = useRef<HTMLFormElement>(null);
  const isInPanel = use(InPanelContext);
  const told = Object.keys(fields).filter((name) => shows.includes(name));
  const left = Object.keys(fields).filter((name) => !shows.includes(name));
  const wrong = told.map((name) => fields[name]).join(" ");
  useEffect(() => {
    if (wrong && !busy) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [wrong, busy]);
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    onSubmit(new FormData(event.currentTarget));
  };
  return (
    <form ref={form} onSubmit={submit} noValidate className="flex flex-1 flex-col gap-4">
      {children}
      {error && told.length === 0 && <ErrorNote error={error} />}
      {error && told.length > 0 && left.length > 0 && <ErrorNote error={new Error(left.map((name) => fields[name]).join(" "))} />}
      {wrong && <p role="alert" className="sr-only">The form has errors. {wrong}</p>}
      <div className={`${END} ${isInPanel ? END_IN_PANEL : isLong ? END_OF_PAGE : "pt-1"}`} data-form-end>
        <Button onClick={onCancel}>{cancelLabel}</Button>
        <Button type="submit" look="solid" disabled={busy || disabled}>
          {busy ? busyAction : action}
        </Button>
      </div>
    </form>
  );
}
