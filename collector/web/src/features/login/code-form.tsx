import type { SubmitEvent } from "react";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { TextField } from "../../ui/field";
import { LOGIN_CARD, LoginFrame } from "./login-frame";

interface Props {
  email: string;
  error: Error | null;
  busy: boolean;
  onCode: (code: string) => void;
  onBack: () => void;
}

/** The second factor: a code of the authenticator, or a recovery code. */
export function CodeForm({ email, error, busy, onCode, onBack }: Props) {
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const code = String(new FormData(event.currentTarget).get("code") ?? "").trim();
    // Authenticators show a code as «123 456».
    if (code) onCode(/^[\d\s]+$/.test(code) ? code.replaceAll(/\s/g, "") : code);
  };
  return (
    <LoginFrame foot="The phone is lost? A recovery code does in place of the code. Without either, your administrator removes the second factor.">
      <form onSubmit={submit} className={LOGIN_CARD}>
        <h1 className="text-lg font-semibold">Second factor</h1>
        <p className="text-muted wrap-anywhere">Signing in as {email}.</p>
        <TextField
          id="code"
          label="Code of your authenticator"
          name="code"
          autoComplete="one-time-code"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={40}
          // The only field of the page.
          // oxlint-disable-next-line jsx-a11y/no-autofocus
          autoFocus
          className="h-9"
        />
        {error && <ErrorNote error={error} />}
        <Button type="submit" look="solid" className="h-9" disabled={busy}>
          {busy ? "Signing in…" : "Sign in"}
        </Button>
        <Button look="quiet" onClick={onBack}>Back</Button>
      </form>
    </LoginFrame>
  );
}
