import { type ReactNode, type SubmitEvent, useState } from "react";
import { ApiError } from "../../lib/api";
import { tokenIn } from "../../lib/screen-link";
import { Mark } from "../../ui/wordmark";
import type { WallState } from "./use-wall";

const BAD_LINK = "This link opens no screen: it was removed, or is incomplete. Copy the whole link, or make a new wallboard under Settings, Wallboards.";

/** A browser that is no screen yet, large enough for a television: what this is, and the way in. */
export function WallGate({ error, enter, isEntering }: Pick<WallState, "error" | "enter" | "isEntering">) {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState<string | undefined>();
  const refused = error instanceof ApiError && error.code === "bad_link" ? BAD_LINK : undefined;
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const token = tokenIn(text);
    setWrong(token ? undefined : "This is no link of a screen: one ends in #fws_ and a long word.");
    if (token) enter(token);
  };
  const bad = wrong ?? (text ? undefined : refused);
  return (
    <main className="wall grid h-dvh place-items-center overflow-y-auto bg-bg p-[1em] leading-[1.4]">
      <form onSubmit={submit} className="flex w-full max-w-[31em] flex-col gap-[.7em]" noValidate>
        <span className="[&>svg]:size-[3em]"><Mark size={52} /></span>
        <h1 className="text-[1.6em] leading-tight font-semibold">A screen for the wall</h1>
        <p className="text-muted">
          This page shows how your network is, on a screen where nobody signs in. It needs the link of a screen, which an
          administrator makes under Settings, Wallboards.
        </p>
        <label htmlFor="wall-link" className="font-medium">Link of the screen</label>
        <input id="wall-link" value={text} autoComplete="off" spellCheck={false} autoCapitalize="none" placeholder="https://…/wall#fws_…"
          className={`h-[2.2em] w-full phone:min-h-11 rounded-[.25em] border bg-surface px-[.6em] placeholder:text-faint phone:text-base ${bad ? "border-down" : "border-control"}`}
          aria-describedby="wall-link-note" aria-invalid={bad ? true : undefined} onChange={(event) => setText(event.target.value)} />
        <p id="wall-link-note" data-field-error={bad ? "wall-link" : undefined} className={bad ? "text-down" : "text-muted"}>
          {bad ?? "Paste the whole link, or the part behind the #."}
        </p>
        <button type="submit" disabled={isEntering || text.trim() === ""}
          className="min-h-[2.3em] self-start phone:min-h-11 rounded-[.25em] bg-solid px-[1em] font-medium text-on-solid hover:opacity-95 disabled:opacity-50">
          {isEntering ? "Opening…" : "Open the screen"}
        </button>
        <p><a href="/login?next=%2Fwall" className="inline-flex min-h-[1.8em] items-center phone:min-h-11 text-accent underline underline-offset-4">Sign in to see a preview</a></p>
      </form>
    </main>
  );
}

/** In place of the views while there are none to show. */
export function WallNotice({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main data-wall-notice className="wall grid h-dvh place-items-center bg-bg p-[1em] text-center">
      <div className="max-w-[34em]" role="status">
        <h1 className="text-[2em] leading-tight font-semibold">{title}</h1>
        <p className="mt-[.6em] text-[1.1em] text-muted">{children}</p>
      </div>
    </main>
  );
}
