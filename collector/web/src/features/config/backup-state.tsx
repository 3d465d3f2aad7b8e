import type { ReactNode } from "react";
import { dateTime, NONE } from "../../lib/format";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { StateShape } from "../../ui/state-badge";
import { untilWords } from "./until-words";
import type { Backup } from "./types";
import { causeAdvice, causeWord, whyNot } from "./words";
import { serverNow } from "../../lib/clock";
import { useEachSecond } from "../../lib/live-app";

type Shown = "up" | "degraded" | "down" | "unknown";

interface Told {
  state: Shown;
  word: string;
  note: string | null;
}

const COLOUR = { up: "text-up", degraded: "text-degraded", down: "text-down", unknown: "text-unknown" } as const;

/** A port that is set anew is tried at once, unless the backup is off: the port is the one that failed where that has come to its end. */
function failureWord({ cause }: Pick<NonNullable<Backup["failing"]>, "cause">, { effective, job, port }: Pick<Backup, "effective" | "job" | "port">): string {
  const isTried = effective.enabled && job?.state === "failed" && job.cause === cause;
  return cause === "port_closed" && isTried ? `port ${port} closed` : causeWord(cause).toLowerCase();
}

export function toldOf(backup: Pick<Backup, "effective" | "failing" | "other_key" | "fetched_at" | "port" | "job">): Told {
  const { effective, failing, other_key: other, fetched_at: fetched } = backup;
  if (other) return { state: "down", word: "Host key changed", note: null };
  if (failing) return { state: "degraded", word: `Failing: ${failureWord(failing, backup)}`, note: causeAdvice(failing.cause, failing.advice) };
  if (!effective.enabled) return { state: "unknown", word: "Not backed up", note: whyNot(effective) };
  return fetched ? { state: "up", word: "Backed up", note: null } : { state: "unknown", word: "Not fetched yet", note: null };
}

/** How the backup of a device stands, and what it is done with. */
export function BackupState({ backup, onLogin, children }: {
  backup: Backup; onLogin: (() => void) | null;
  /** What can be done with it. */
  children: ReactNode;
}) {
  const { state, word, note } = toldOf(backup);
  const { failing, login, fetched_at: fetched, host_key: key, host_key_at: since } = backup;
  return (
    <div className="flex min-w-0 flex-col gap-2">
      <div className="flex flex-wrap items-center gap-2">
        <p className="flex min-w-0 flex-wrap items-center gap-2" data-backup-state={state}>
          <StateShape state={state} />
          <span className={`font-medium ${COLOUR[state]}`}>{word}</span>
          {failing && <span className="text-muted">for <Age at={failing.since} /></span>}
        </p>
        <span className="flex-1" />
        {children}
      </div>
      {note && <p className="text-muted" data-backup-note>{note}</p>}
      <dl className="flex flex-wrap items-baseline gap-x-6 gap-y-1">
        <Fact name="Last fetched">{fetched ? <Age at={fetched} long /> : "never"}</Fact>
        <Fact name="Next"><Next at={backup.effective.enabled ? backup.next_at : null} /></Fact>
        <Fact name="Login">
          {login ? `${login.user}, ${login.from === "device" ? "its own" : `profile ${login.profile?.name ?? ""}`}` : "none"}
          {onLogin && (
            <Button look="quiet" className="ml-1 h-6! px-1.5! text-accent!" onClick={onLogin}>{login?.from === "device" ? "Change…" : login ? "Use its own…" : "Set one…"}</Button>
          )}
        </Fact>
        {/* While another one is shown both stand together, below. */}
        {!backup.other_key && (
          <Fact name="Host key">
            {key ? <code className="font-mono text-xs break-all select-all" title={since ? `Pinned since ${dateTime(since)}` : undefined}>{key}</code> : "the first one it shows is pinned"}
          </Fact>
        )}
      </dl>
    </div>
  );
}

function Next({ at }: { at: string | null }) {
  const text = useEachSecond(() => untilWords(at, serverNow()));
  return at ? <time dateTime={at} title={dateTime(at)}>{text}</time> : <>{NONE}</>;
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return <div className="flex flex-wrap items-baseline gap-x-2"><dt className="text-muted">{name}</dt><dd className="min-w-0">{children}</dd></div>;
}
