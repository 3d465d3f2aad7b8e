import { type ErrorComponentProps, Link } from "@tanstack/react-router";
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { type Need, Refused } from "../../lib/guard";
import { isMissingPart, reloadIfAnswered } from "../../lib/new-version";
import { roleWord } from "../../lib/role";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { Mark } from "../../ui/wordmark";

/** Shows in place of the whole app, or inside the frame of a page: only there stands a `main`. */
function Lost({ title, children }: { title: string; children: ReactNode }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!box.current?.parentElement?.closest("main")) box.current?.setAttribute("role", "main");
  }, []);
  useEffect(() => {
    document.title = `${title} · Farwatch`;
  }, [title]);
  return (
    <div ref={box} className="flex max-w-[760px] flex-col items-start gap-3 px-8 py-20 phone:px-4">
      <Mark size={36} />
      <h1 className="text-xl font-semibold">{title}</h1>
      {children}
    </div>
  );
}

export function NotFound() {
  return (
    <Lost title="Nothing here">
      <p className="text-muted">This page does not exist, or it belongs to a tenant you cannot see.</p>
      <ToNow />
    </Lost>
  );
}

function ToNow() {
  return (
    <Link to="/" className="py-1 text-accent underline underline-offset-4">
      Go to what is wrong now
    </Link>
  );
}

export function Crash({ error, reset }: ErrorComponentProps) {
  if (isMissingPart(error)) return <Missing />;
  if (error instanceof Refused) return <NotYours refused={error} />;
  return (
    <Lost title="This page failed">
      <ErrorNote error={error instanceof Error ? error : new Error(String(error))} />
      <Button look="solid" onClick={reset}>
        Try again
      </Button>
    </Lost>
  );
}

const WHO: Readonly<Record<Need, string>> = {
  write: "An operator of your tenant",
  admin: "An administrator of your tenant",
  provider: "An administrator of the provider",
  visit: "An administrator of your tenant",
};

function NotYours({ refused: { need, role } }: { refused: Refused }) {
  return (
    <Lost title="This page is not for your role">
      <p className="text-muted">
        You are signed in as {roleWord(role).toLowerCase()}. {WHO[need]} can open it, or change your role.
      </p>
      <ToNow />
    </Lost>
  );
}

/** A reload would throw the app away while nobody answers: it is done only when somebody does. */
function Missing() {
  const [asking, setAsking] = useState(false);
  const [tries, setTries] = useState(0);
  const retry = async () => {
    setAsking(true);
    if (!(await reloadIfAnswered())) setTries((count) => count + 1);
    setAsking(false);
  };
  return (
    <Lost title="This page is not loaded yet">
      <p className="text-muted">
        The collector did not give it out. The pages you have opened before go on working.
      </p>
      <p role="status">
        {tries > 0 && !asking && "The collector does not answer. Check the network, then try again."}
      </p>
      <Button look="solid" disabled={asking} onClick={() => void retry()}>
        {asking ? "Asking…" : "Try again"}
      </Button>
    </Lost>
  );
}
