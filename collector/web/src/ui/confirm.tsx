import { AlertDialog } from "radix-ui";
import { type ReactNode, useState } from "react";
import { Button } from "./button";
import { ErrorNote } from "./error-note";
import { TextField } from "./field";

interface Question {
  title: string;
  children: ReactNode;
  /** What is lost, one line each. */
  loses?: readonly string[];
  /** To be typed first, where one wrong click would cost a great deal. */
  typed?: string | undefined;
  action: string;
  /** The way out, in other words than the usual. */
  cancel?: string;
  /** It can be changed back. */
  isMild?: boolean;
  busy: boolean;
  error: Error | null;
  onConfirm: () => void;
}

interface Props extends Question {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** Asks before something that cannot be taken back. The title names the thing. */
export function Confirm({ open, onOpenChange, ...question }: Props) {
  return (
    <AlertDialog.Root open={open} onOpenChange={onOpenChange}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="fixed inset-0 z-40 bg-veil" />
        <AlertDialog.Content
          className="fixed top-[20vh] left-1/2 z-50 max-h-[75vh] w-[calc(100vw-24px)] max-w-[440px] -translate-x-1/2
            animate-[rise_120ms_ease-out] overflow-y-auto rounded-xl border border-edge bg-raised p-5 shadow-(--shadow)"
        >
          <Asked {...question} />
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

/** Lives as long as the dialog is open, and so does what was typed. */
function Asked({ title, children, loses, typed, action, cancel, isMild, busy, error, onConfirm }: Question) {
  const [said, setSaid] = useState("");
  return (
    <>
      <AlertDialog.Title className="text-lg font-semibold wrap-anywhere">{title}</AlertDialog.Title>
      <AlertDialog.Description className="mt-2 text-muted">{children}</AlertDialog.Description>
      {loses && loses.length > 0 && (
        <ul aria-label="What is lost" className="mt-3 rounded-md border border-line bg-surface px-3 py-1.5">
          {loses.map((line) => (
            <li key={line} className="flex gap-2 py-0.5">
              <span aria-hidden="true" className="text-down">−</span> {line}
            </li>
          ))}
        </ul>
      )}
      {typed !== undefined && (
        <div className="mt-3">
          <TextField label={`Type «${typed}» to go on`} autoComplete="off" spellCheck={false}
            value={said} onChange={(event) => setSaid(event.target.value)} />
        </div>
      )}
      {error && <ErrorNote error={error} className="mt-3" />}
      <div className="mt-5 flex justify-end gap-2">
        <AlertDialog.Cancel asChild>
          <Button>{cancel ?? (isMild ? "Cancel" : "Keep it")}</Button>
        </AlertDialog.Cancel>
        <Button look={isMild ? "solid" : "danger"} disabled={busy || (typed !== undefined && said.trim() !== typed)} onClick={onConfirm}>
          {action}
        </Button>
      </div>
    </>
  );
}
