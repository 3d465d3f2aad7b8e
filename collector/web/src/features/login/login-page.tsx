import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import type { SubmitEvent } from "react";
import { ApiError, api, take } from "../../lib/api";
import { duration } from "../../lib/format";
import { meQuery } from "../../lib/session";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { TextField } from "../../ui/field";
import { Mark, Wordmark } from "../../ui/wordmark";

function explain(error: Error): Error {
  if (!(error instanceof ApiError)) return error;
  if (error.code === "bad_credentials") {
    return new Error("Email and password do not match. Check both and try again.");
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
  const login = useMutation({
    mutationFn: (body: { email: string; password: string }) =>
      take(api.POST("/api/v1/login", { body })),
    onSuccess: async ({ data }) => {
      queries.setQueryData(meQuery.queryKey, data);
      await router.navigate({ href: next });
    },
  });

  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    login.mutate({
      email: String(form.get("email") ?? "").trim(),
      password: String(form.get("password") ?? ""),
    });
  };

  return (
    <main className="grid h-dvh place-items-center overflow-y-auto p-4">
      <div className="w-full max-w-[340px]">
        <div className="mb-8 flex flex-col items-center gap-4">
          <Mark size={52} />
          <Wordmark height={22} />
        </div>
        <form
          onSubmit={submit}
          className="flex flex-col gap-4 rounded-xl border border-line bg-surface p-6"
        >
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
          <TextField
            id="password"
            label="Password"
            name="password"
            type="password"
            autoComplete="current-password"
            required
            className="h-9"
          />
          {login.error && <ErrorNote error={explain(login.error)} />}
          <Button type="submit" look="solid" className="h-9" disabled={login.isPending}>
            {login.isPending ? "Signing in…" : "Sign in"}
          </Button>
        </form>
        <p className="mt-6 text-center text-xs text-muted">
          No account yet? An administrator makes one with
          <code className="mt-1 block font-mono">farwatch-collector user create</code>
        </p>
      </div>
    </main>
  );
}
