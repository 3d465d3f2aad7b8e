import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../lib/api";
import { useMe } from "../../lib/use-person";
import { TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { useAccountChanged } from "./use-account";

interface Props {
  /** What the present password is called: a new account has a one-time one. */
  presentLabel?: string;
  /** The present one, typed a moment ago: it is asked for only if the server does not take it. */
  present?: string | null;
  onDone: () => void;
  onCancel: () => void;
  cancelLabel?: string;
}

const SHOWS = ["current", "new", "again"];

/** Changes the password of who is signed in. */
export function PasswordForm({ presentLabel = "Present password", present = null, onDone, onCancel, cancelLabel }: Props) {
  const email = useMe()?.user.email ?? "";
  const changed = useAccountChanged();
  const [differs, setDiffers] = useState(false);
  const [asksPresent, setAsksPresent] = useState(present === null);
  const change = useMutation({
    mutationFn: (body: { current: string; new: string }) => take(api.POST("/api/v1/me/password", { body })),
    onSuccess: async () => {
      await changed();
      onDone();
    },
    onError: (error) => fieldErrors(error)["current"] && setAsksPresent(true),
  });
  const fields: Readonly<Record<string, string>> =
    differs ? { again: "This is not the same. Type the new password once more." } : fieldErrors(change.error);
  const submit = (form: FormData) => {
    const text = (name: string) => String(form.get(name) ?? "");
    const isSame = text("new") === text("again");
    setDiffers(!isSame);
    if (isSame) change.mutate({ current: asksPresent ? text("current") : (present ?? ""), new: text("new") });
  };
  return (
    <Form onSubmit={submit} error={change.error} fields={fields} shows={SHOWS} action="Change password"
      busy={change.isPending} busyAction="Changing…" onCancel={onCancel} {...(cancelLabel ? { cancelLabel } : {})}>
      {/* Tells password managers whose it is. */}
      <input type="text" name="username" autoComplete="username" value={email} readOnly hidden />
      {asksPresent && (
        <TextField id="password-current" name="current" type="password" label={presentLabel} autoComplete="current-password"
          error={fields["current"] && `That ${fields["current"]}.`} />
      )}
      <TextField id="password-new" name="new" type="password" label="New password" autoComplete="new-password"
        hint="At least 15 characters: a few words that you remember are good." error={fields["new"]} />
      <TextField id="password-again" name="again" type="password" label="New password again" autoComplete="new-password"
        error={fields["again"]} />
    </Form>
  );
}
