/** Acts on alerts: what is asked for in a dialog, what is on its way, and what came of it. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { serverNow } from "../../lib/clock";
import { live } from "../../lib/live-app";
import type { Alert } from "../../lib/types";
import { type Act, actMany, type Done, reverse, undoOf } from "./acts";

export interface Asked {
  act: "ack" | "silence";
  ids: readonly string[];
}

export interface Acts {
  /** The dialog that is open. */
  asked: Asked | null;
  ask: (act: Asked["act"], ids: readonly string[]) => void;
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

export function useActs(): Acts {
  const queries = useQueryClient();
  const [asked, setAsked] = useState<Asked | null>(null);
  const change = useMutation({
    mutationFn: ({ ids, act }: { ids: readonly string[]; act: Act }) => actMany(ids, act),
    onSuccess: () => setAsked(null),
    onSettled: (_, __, { ids }) => {
      live.refreshAlerts(ids);
      return queries.invalidateQueries({ queryKey: ["alert"] });
    },
  });
  const send = (ids: readonly string[], act: Act) => {
    if (ids.length > 0) change.mutate({ ids, act });
  };
  const back = change.data ? reverse(change.data) : null;
  return {
    asked,
    ask: (act, ids) => {
      if (ids.length === 0) return;
      change.reset();
      setAsked({ act, ids });
    },
    cancel: () => {
      change.reset();
      setAsked(null);
    },
    send,
    undo: (alerts) => {
      const found = undoOf(alerts, serverNow());
      if (found) send(found.ids, { act: found.act });
    },
    takeBack: back && (() => send(back.ids, { act: back.act })),
    done: change.data ?? null,
    forget: () => change.reset(),
    busy: change.isPending,
    error: change.error,
  };
}
