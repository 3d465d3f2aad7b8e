/** Acts on alerts: what is asked for in a dialog, and what is on its way. What came of it is told by a toast. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { isAway } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import { isOffline, live } from "../../lib/live-app";
import { useMayIn } from "../../lib/role";
import { toast } from "../../lib/toasts";
import type { Alert } from "../../lib/types";
import { usePhone } from "../../lib/use-phone";
import { queuedWord } from "../offline/queue";
import { queueStore } from "../offline/queue-store";
import { type Act, alertCount, type LeftOut, soBefore, undoOf } from "./acts";
import { perform } from "./perform";

export interface Asked extends LeftOut {
  act: "ack" | "silence";
  ids: readonly string[];
  /** Those that are so already: what they have is not taken back with the rest. */
  before: ReadonlySet<string>;
  /** The note that is there, where it is one alert's. */
  note: string;
}

export interface Acts {
  /** The dialog that is open. */
  asked: Asked | null;
  /** `over`: how many more were chosen that are gone. */
  ask: (act: Asked["act"], alerts: readonly Alert[], over?: number) => void;
  cancel: () => void;
  send: (ids: readonly string[], act: Act) => void;
  /** Takes back what these have: their silence, or else that somebody looks after them. */
  undo: (alerts: readonly Alert[]) => void;
  busy: boolean;
  error: Error | null;
}

const NOTHING: ReadonlySet<string> = new Set();

function labelOf(ids: readonly string[]): string {
  const [first = ""] = ids;
  return (ids.length === 1 && live.alerts.get(first)?.summary) || alertCount(ids.length);
}

/** On the way, between two masts: it is sent when the collector is back. */
function queue(ids: readonly string[], act: Act): void {
  const isKept = queueStore.add({ ...act, alerts: [...ids], label: labelOf(ids) });
  if (!isKept) throw new Error("The collector is away, and no more can wait for it here. Try again when it is back.");
  toast({ text: `${queuedWord(act.act)}: ${labelOf(ids)}. It is sent when the collector is back.` });
}

export function useActs(): Acts {
  const queries = useQueryClient();
  const mayIn = useMayIn();
  const phone = usePhone();
  const [asked, setAsked] = useState<Asked | null>(null);
  const change = useMutation({
    mutationFn: async ({ ids, act, before }: { ids: readonly string[]; act: Act; before: ReadonlySet<string> }) => {
      if (phone && isOffline()) return queue(ids, act);
      try {
        await perform(queries, ids, act, before);
      } catch (error) {
        if (!phone || !isAway(error)) throw error;
        queue(ids, act);
      }
    },
    onSuccess: () => setAsked(null),
    // In its dialog, where there is one.
    onError: (error) => asked ?? toast({ text: error.message, isBad: true }),
  });
  const send = (ids: readonly string[], act: Act) => {
    if (ids.length > 0) change.mutate({ ids, act, before: asked?.before ?? NOTHING });
  };
  const ownOf = (alerts: readonly Alert[]) => alerts.filter(({ tenant }) => mayIn(tenant.id).write);
  return {
    asked,
    ask: (act, alerts, over = 0) => {
      const own = ownOf(alerts);
      const [first] = own;
      if (!first) return;
      change.reset();
      setAsked({
        act, over, barred: alerts.length - own.length, ids: own.map(({ id }) => id), before: soBefore(own, act, serverNow()),
        note: act === "ack" && own.length === 1 ? (first.ack?.note ?? "") : "",
      });
    },
    cancel: () => {
      change.reset();
      setAsked(null);
    },
    send,
    undo: (alerts) => {
      const found = undoOf(ownOf(alerts), serverNow());
      if (found) send(found.ids, { act: found.act });
    },
    busy: change.isPending,
    error: change.error,
  };
}
