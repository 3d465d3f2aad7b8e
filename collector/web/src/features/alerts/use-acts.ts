/** Acts on alerts: what is asked for in a dialog, what is on its way, and what came of it. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { serverNow } from "../../lib/clock";
import { live } from "../../lib/live-app";
import { useMayIn } from "../../lib/role";
import type { Alert } from "../../lib/types";
import { type Act, actMany, type Done, type LeftOut, reverse, soBefore, undoOf } from "./acts";

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
  /** Takes back what was done last. */
  takeBack: (() => void) | null;
  done: Done | null;
  forget: () => void;
  busy: boolean;
  error: Error | null;
}

const NOTHING: ReadonlySet<string> = new Set();

export function useActs(): Acts {
  const queries = useQueryClient();
  const mayIn = useMayIn();
  const [asked, setAsked] = useState<Asked | null>(null);
  const change = useMutation({
    mutationFn: ({ ids, act, before }: { ids: readonly string[]; act: Act; before: ReadonlySet<string> }) => actMany(ids, act, before),
    onSuccess: () => setAsked(null),
    onSettled: (_, __, { ids }) => {
      live.refreshAlerts(ids);
      return queries.invalidateQueries({ queryKey: ["alert"] });
    },
  });
  const send = (ids: readonly string[], act: Act) => {
    if (ids.length > 0) change.mutate({ ids, act, before: asked?.before ?? NOTHING });
  };
  const ownOf = (alerts: readonly Alert[]) => alerts.filter(({ tenant }) => mayIn(tenant.id).write);
  const back = change.data ? reverse(change.data) : null;
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
    takeBack: back && (() => send(back.ids, { act: back.act })),
    done: change.data ?? null,
    forget: () => change.reset(),
    busy: change.isPending,
    error: change.error,
  };
}
