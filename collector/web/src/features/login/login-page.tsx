import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { type SubmitEvent, useState } from "react";
import { ApiError, api, take } from "../../lib/api";
import { duration } from "../../lib/format";
import { meQuery } from "../../lib/session";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { TextField } from "../../ui/field";
import { SecretField } from "../../ui/secret-field";
import { CodeForm } from "./code-form";
import { LOGIN_CARD, LoginFrame } from "./login-frame";
import { keepOneTime } from "./one-time";

export interface Credentials {
  email: string;
  password: string;
  /** The second factor's code. */
  totp?: string;
}

/** The password is right, and there is a second factor. */
export const asksForCode = (error: Error | null) =>
  error instanceof ApiError && ["totp_required", "bad_totp"].includes(error.code);

function explain(error: Error): Error {
  if (!(error instanceof ApiError)) return error;
  if (error.code === "bad_credentials") {
    return new Error("Email and password do not match. Check both and try again.");
  }
  if (error.code === "bad_totp") {
    return new Error("This code is not right, or was used before. Wait for the next one; check the clock of your phone.");
  }
  if (error.status === 429) {
    const wait = error.retryAfter ? `in ${duration(error.retryAfter)}` : "in a minute";
    return new Error(`Too many attempts. Try again ${wait}.`);
  }
  return error;
}

export function LoginPage({ next }: { next: string }) {
  const queries = useQueryClient();
  const router = useRouter();
  /** Proven, but for the code. */
  const [proven, setProven] = useState<Credentials | null>(null);
  const login = useMutation({
    mutationFn: (body: Credentials) => take(api.POST("/api/v1/login", { body })),
    onSuccess: async ({ data }, { password }) => {
      keepOneTime(data.user.must_change_password ? password : null);
      queries.setQueryData(meQuery.queryKey, data);
      await router.navigate({ href: next });
    },
    onError: (error, credentials) => asksForCode(error) && setProven(credentials),
  });
  const error = login.error && !(login.error instanceof ApiError && login.error.code === "totp_required")
    ? explain(login.error) : null;

  if (proven) {
    const back = () => {
      login.reset();
      setProven(null);
    };
    return <CodeForm email={proven.email} error={error} busy={login.isPending} onBack={back}
      onCode={(totp) => login.mutate({ ...proven, totp })} />;
  }
  return <PasswordLogin error={error} busy={login.isPending} onSubmit={login.mutate} />;
}

function PasswordLogin({ error, busy, onSubmit }: {
  error: Error | null; busy: boolean; onSubmit: (credentials: Credentials) => void;
}) {
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    onSubmit({
      email: String(form.get("email") ?? "").trim(),
      password: String(form.get("password") ?? ""),
    });
  };
  return (
    <LoginFrame foot="No account yet, or the password is lost? An administrator of your tenant, or your provider, helps.">
      <form onSubmit={submit} className={LOGIN_CARD}>
        <h1 className="text-lg font-semibold">Sign in</h1>
        <TextField
          id="email"
          label="Email"
          name="email"
          type="email"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          // The only field a person comes here for.
          // oxlint-disable-next-line jsx-a11y/no-autofocus
          autoFocus
          className="h-9"
        />
        <SecretField
          id="password"
          label="Password"
          name="password"
          autoComplete="current-password"
          required
          isOwn
          className="h-9"
        />
        {error && <ErrorNote error={error} />}
        <Button type="submit" look="solid" className="h-9" disabled={busy}>
          {busy ? "Signing in…" : "Sign in"}
        </Button>
      </form>
    </LoginFrame>
  );
}
