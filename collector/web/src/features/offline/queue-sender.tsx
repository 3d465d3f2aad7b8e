import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { exactDuration } from "../../lib/format";
import { provePerson } from "../../lib/kept";
import { onLive } from "../../lib/live-app";
import { toast } from "../../lib/toasts";
import { actLine, type QueuedAct } from "./queue";
import { queueStore } from "./queue-store";
import { dropQueued, meanQueued, sendQueue } from "./send-queue";

const Confirm = lazy(() => import("../../ui/confirm").then((m) => ({ default: m.Confirm })));

/** In nobody else's name: by now another person may be signed in, by another tab, than whose queue it is. */
async function sendOf(queries: QueryClient, user: string): Promise<QueuedAct | null> {
  if (queueStore.reload().length === 0) return null;
  return (await provePerson(queries, user)) ? sendQueue(queries) : null;
}

/** Sends what waits when the stream is back; what is old is asked about first. */
export function QueueSender({ user }: { user: string }) {
  const queries = useQueryClient();
  const [asked, setAsked] = useState<{ one: QueuedAct; ageS: number } | null>(null);
  const send = useCallback(() => void sendOf(queries, user)
    .then((one) => setAsked(one && { one, ageS: Math.round((Date.now() - one.at) / 1000) })), [queries, user]);
  useEffect(() => queueStore.open(user), [user]);
  useEffect(() => {
    send();
    return onLive(send);
  }, [send]);
  if (!asked) return null;
  const answer = (isMeant: boolean) => {
    if (isMeant) meanQueued(asked.one.id);
    else {
      dropQueued(asked.one.id);
      toast({ text: `Dropped, and not done. ${actLine(asked.one)}.` });
    }
    setAsked(null);
    send();
  };
  return (
    <Suspense>
      <Confirm open isMild title="Still do this?" action="Do it now" cancel="Drop it" busy={false} error={null}
        onOpenChange={(open) => open || answer(false)} onConfirm={() => answer(true)}>
        {actLine(asked.one)}. You did it {exactDuration(asked.ageS)} ago, while the collector was away, and it was not sent yet.
      </Confirm>
    </Suspense>
  );
}
