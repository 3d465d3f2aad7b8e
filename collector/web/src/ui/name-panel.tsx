import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { TextField } from "./field";
import { fieldErrors, Form } from "./form";
import { SidePanel } from "./side-panel";

interface Props {
  open: boolean;
  onClose: () => void;
  title: string;
  description: string;
  /** The name that it has; empty for what is new. */
  name: string;
  placeholder?: string;
  action: string;
  /** Fields beside the name that tell their own errors, such as `tenant`. */
  shows?: readonly string[];
  disabled?: boolean;
  children?: ((fields: Readonly<Record<string, string>>) => ReactNode) | undefined;
  save: (name: string) => Promise<unknown>;
}

/** Gives something its name: a new thing, or one that is called otherwise by now. */
export function NamePanel({ open, onClose, title, description, ...form }: Props) {
  return (
    <SidePanel open={open} onOpenChange={(on) => on || onClose()} title={title} description={description}>
      <NameForm onDone={onClose} {...form} />
    </SidePanel>
  );
}

const NO_FIELDS: readonly string[] = [];

function NameForm({ name, placeholder, action, shows = NO_FIELDS, disabled, children, save, onDone }: {
  onDone: () => void;
} & Omit<Props, "open" | "onClose" | "title" | "description">) {
  const change = useMutation({ mutationFn: save, onSuccess: onDone });
  const fields = fieldErrors(change.error);
  return (
    <Form onSubmit={(form) => change.mutate(String(form.get("name") ?? "").trim())} error={change.error}
      shows={["name", ...shows]} action={action} busy={change.isPending} disabled={disabled ?? false} onCancel={onDone}>
      {children?.(fields)}
      <TextField id="new-name" name="name" label="Name" autoComplete="off" defaultValue={name} placeholder={placeholder}
        error={fields["name"]} />
    </Form>
  );
}
