import { useState } from "react";
import { NAME_CHARS_MAX } from "../../lib/views";
import { TextField } from "../../ui/field";
import { Form } from "../../ui/form";

/** Asks for the name of a view. */
export function NameForm({ was = "", busy, error, wrongOf, onName, onCancel }: {
  was?: string | undefined;
  busy: boolean;
  error: Error | null;
  /** What is wrong with a name; null: nothing. */
  wrongOf: (name: string) => string | null;
  onName: (name: string) => void;
  onCancel: () => void;
}) {
  const [wrong, setWrong] = useState<string | null>(null);
  const submit = (form: FormData) => {
    const name = String(form.get("view") ?? "");
    const found = wrongOf(name);
    setWrong(found);
    if (found === null) onName(name);
  };
  return (
    <Form onSubmit={submit} error={wrong ? new Error(wrong) : error} fields={wrong ? { view: wrong } : {}} shows={["view"]} action={was ? "Rename" : "Save view"}
      busy={busy} onCancel={onCancel}>
      <TextField id="view-name" name="view" label="Name" defaultValue={was} maxLength={NAME_CHARS_MAX} autoComplete="off" error={wrong ?? undefined}
        // It was opened to type.
        // oxlint-disable-next-line jsx-a11y/no-autofocus
        autoFocus />
    </Form>
  );
}
