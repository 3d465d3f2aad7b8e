import { useMutation } from "@tanstack/react-query";
import { api, take } from "../../lib/api";
import { TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { useAccountChanged } from "./use-account";

export function FactorOff({ onDone, onCancel }: { onDone: () => void; onCancel: () => void }) {
  const changed = useAccountChanged();
  const remove = useMutation({
    mutationFn: (body: { password: string; code: string }) => take(api.DELETE("/api/v1/me/totp", { body })),
    onSuccess: async () => {
      await changed();
      onDone();
    },
  });
  const fields = fieldErrors(remove.error);
  const submit = (form: FormData) => remove.mutate({
    password: String(form.get("password") ?? ""), code: String(form.get("code") ?? "").trim(),
  });
  return (
    <Form onSubmit={submit} error={remove.error} shows={["password", "code"]} action="Remove it" busy={remove.isPending}
      onCancel={onCancel}>
      <TextField id="off-password" name="password" type="password" label="Your password" autoComplete="current-password"
        error={fields["password"] && `That ${fields["password"]}.`} />
      <TextField id="off-code" name="code" label="Code" autoComplete="one-time-code" hint="Of the authenticator, or a recovery code."
        error={fields["code"] && "This code is not right, or was used before. Wait for the next one."} />
    </Form>
  );
}
