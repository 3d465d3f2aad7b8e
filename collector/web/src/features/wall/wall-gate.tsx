import { type SubmitEvent, useState } from "react";
import { ApiError } from "../../lib/api";
import { tokenIn } from "../../lib/screen-link";
import { Button } from "../../ui/button";
import { FieldFrame, INPUT } from "../../ui/field";
import { LOGIN_CARD, LoginFrame } from "../login/login-frame";
import type { WallState } from "./use-wall";

/** A browser that is no screen yet: what this is, and the way in. */
export function WallGate({ error, enter, isEntering }: Pick<WallState, "error" | "enter" | "isEntering">) {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState<string | undefined>();
  const refused = error instanceof ApiError && error.code === "bad_link" ? error.message : undefined;
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const token = tokenIn(text);
    setWrong(token ? undefined : "This is no link of a screen: one ends in #fws_ and a long word.");
    if (token) enter(token);
  };
  return (
    <LoginFrame foot={<a href="/login?next=%2Fwall" className="text-accent underline underline-offset-4">Sign in to see a preview</a>}>
      <form onSubmit={submit} className={LOGIN_CARD} noValidate>
        <h1 className="text-lg font-semibold">A screen for the wall</h1>
        <p className="text-muted">
          This page shows how your network is, on a screen where nobody signs in. It needs the link of a screen, which an
          administrator makes under Settings, Wallboards.
        </p>
        <FieldFrame id="wall-link" label="Link of the screen" error={wrong ?? (text ? undefined : refused)} hint="Paste the whole link, or the part behind the #.">
          <input id="wall-link" className={`${INPUT} phone:text-base`} value={text} autoComplete="off" spellCheck={false} autoCapitalize="none"
            placeholder="https://…/wall#fws_…" aria-describedby="wall-link-note" aria-invalid={wrong || (refused && !text) ? true : undefined}
            onChange={(event) => setText(event.target.value)} />
        </FieldFrame>
        <Button look="solid" type="submit" disabled={isEntering || text.trim() === ""}>{isEntering ? "Opening…" : "Open the screen"}</Button>
      </form>
    </LoginFrame>
  );
}

/** In place of the views while there are none to show. */
export function WallNotice({ title, children }: { title: string; children: string }) {
  return (
    <main data-wall-notice className="wall grid h-dvh place-items-center bg-bg p-[1em] text-center">
      <div className="max-w-[34em]" role="status">
        <h1 className="text-[2em] leading-tight font-semibold">{title}</h1>
        <p className="mt-[.6em] text-[1.1em] text-muted">{children}</p>
      </div>
    </main>
  );
}
