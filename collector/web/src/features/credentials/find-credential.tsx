import { useMutation } from "@tanstack/react-query";
import { useEffect, useId, useRef } from "react";
import { api, take } from "../../lib/api";
import type { Found } from "../../lib/types";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { Icon } from "../../ui/icon";
import { StateShape } from "../../ui/state-badge";
import { closerWords, echoWords, leftOutWords, noneWorks, type Outcome, outcomeName, outcomeWords } from "./found-words";
import { credentialOf, isGiven, type SnmpDraft } from "./snmp-draft";

interface Wanted {
  agent: string;
  host: string;
  draft: SnmpDraft;
  /** That the device is to have: they decide which profiles reach it. */
  tags: readonly string[];
  /** Answers from another address are refused, as they will be. */
  isStrict: boolean;
}

/** What is typed goes first, then the profiles. The agent tries v1 where v2c is not answered. */
export function candidatesOf(draft: SnmpDraft) {
  return isGiven(draft) ? [{ version: draft.version, ...credentialOf(draft) }] : [];
}

export function useFindCredential() {
  return useMutation({
    mutationFn: async ({ agent, host, draft, tags, isStrict }: Wanted): Promise<Found> => {
      const body = { host, credentials: candidatesOf(draft), profiles: true, tags: [...tags], strict_source: isStrict };
      return (await take(api.POST("/api/v1/agents/{id}/find-credential", { params: { path: { id: agent } }, body }))).data;
    },
  });
}

interface Props {
  find: ReturnType<typeof useFindCredential>;
  /** Null: something that it needs is missing yet. */
  onFind: (() => void) | null;
  /** Why the agent can try nothing now. */
  offline: string | null;
  /** The errors that the form shows at its fields. */
  isToldAbove: boolean;
  /** Of one that would be in force. The tag of its profile goes with it. */
  onUse: (outcome: Outcome) => void;
  /** The form stands as this outcome wants it. */
  isUsed: (outcome: Outcome) => boolean;
}

/** Tries the credential profiles from where the device will be polled. */
export function FindCredential({ find, onFind, offline, isToldAbove, ...use }: Props) {
  const why = useId();
  const { data, error, isPending } = find;
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Button disabled={!onFind || offline !== null || isPending} onClick={() => onFind?.()} title={offline ?? undefined}
          aria-describedby={why} data-find>
          {isPending ? "Trying…" : "Find credential"}
        </Button>
        <p id={why} className="min-w-0 flex-1 text-xs text-muted" role="status">
          {isPending ? "The agent tries a few at a time, for 20 s at most."
            : offline ?? (onFind ? "Tries what is typed, then the credential profiles of the site." : "Choose an agent and type an address first.")}
        </p>
      </div>
      {error && !isToldAbove && <ErrorNote error={error} />}
      {data && !isPending && <Outcomes found={data} {...use} />}
    </div>
  );
}

/** They come below what was typed, where nobody looks: they show themselves. */
function Outcomes({ found, ...use }: Pick<Props, "onUse" | "isUsed"> & { found: Found }) {
  const none = noneWorks(found);
  const echo = echoWords(found);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    box.current?.scrollIntoView({ block: "nearest", behavior: isCalm ? "auto" : "smooth" });
  }, []);
  return (
    <div ref={box} className="scroll-my-3 overflow-hidden rounded-md border border-line bg-surface" data-found>
      <ul aria-label="What was tried" className="m-0 list-none p-0">
        {found.outcomes.map((outcome, i) => (
          // The order is that in which they were tried.
          // oxlint-disable-next-line react/no-array-index-key
          <Row key={i} outcome={outcome} {...use} />
        ))}
      </ul>
      {(none || echo) && <p className="border-t border-line px-3 py-2 first:border-t-0">{none ?? echo}</p>}
      {leftOutWords(found).map((words) => (
        <p key={words} className="border-t border-line px-3 py-2 text-xs text-muted wrap-anywhere first:border-t-0" data-left-out>{words}</p>
      ))}
    </div>
  );
}

function Row({ outcome, onUse, isUsed }: Pick<Props, "onUse" | "isUsed"> & { outcome: Outcome }) {
  const tag = outcome.ok && outcome.in_force ? outcome.profile?.tag : null;
  const closer = closerWords(outcome);
  const used = isUsed(outcome);
  return (
    <li className="flex items-start gap-2.5 border-b border-line px-3 py-2 last:border-b-0" data-outcome={outcome.ok ? "ok" : "no"}>
      <span className="mt-1"><StateShape state={outcome.ok ? "up" : "down"} size={10} /></span>
      <span className="min-w-0 flex-1 wrap-anywhere">
        <span className="font-medium">{outcomeName(outcome)}</span>{" "}
        <span className="sr-only">{outcome.ok ? "works:" : "does not work:"}</span>
        <span className="block text-xs text-muted">{outcomeWords(outcome)}</span>
        {tag && <span className="block text-xs text-muted">It is only for devices tagged «{tag}»: that tag goes with it.</span>}
        {closer && <span className="block text-xs text-muted" data-closer>{closer}</span>}
      </span>
      {outcome.ok && outcome.in_force && (
        <Button className="h-7" disabled={used} onClick={() => onUse(outcome)}>
          {used ? <><Icon name="check" size={14} /> Will be used</> : "Use it"}
        </Button>
      )}
    </li>
  );
}
