import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { api } from "../../lib/api";
import { PasswordForm } from "../account/password-form";
import { LOGIN_CARD, LoginFrame } from "./login-frame";
import { keepOneTime, keptOneTime } from "./one-time";

/** Who has a one-time password chooses their own before anything else. */
export function FirstPassword({ next }: { next: string }) {
  const router = useRouter();
  const queries = useQueryClient();
  const [oneTime] = useState(keptOneTime);
  useEffect(() => keepOneTime(null), []);
  const leave = async () => {
    await api.POST("/api/v1/logout").catch(() => {});
    queries.clear();
    await router.navigate({ to: "/login", search: {} });
  };
  return (
    <LoginFrame>
      <div className={LOGIN_CARD}>
        <h1 className="text-lg font-semibold">Choose your password</h1>
        <p className="text-muted">
          The one you signed in with was made for you, and somebody else has seen it. From now on only you know yours.
        </p>
        <PasswordForm presentLabel="One-time password" present={oneTime} cancelLabel="Sign out" onCancel={() => void leave()}
          onDone={() => void router.navigate({ href: next })} />
      </div>
    </LoginFrame>
  );
}
