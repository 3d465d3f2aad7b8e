import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../lib/api";
import { useSecretMutation } from "../../lib/use-secret-mutation";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/confirm";
import { Modal } from "../../ui/modal";
import { SecretOnce } from "../../ui/secret-once";
import { CHANNELS } from "./queries";
import type { Channel } from "./types";

type Step = "exchange" | "finish";

/** The key that signs a webhook: rotated in two steps, so that no message is refused meanwhile. */
export function KeyPart({ channel, may }: { channel: Channel; may: boolean }) {
  const queries = useQueryClient();
  const [asking, setAsking] = useState<Step | null>(null);
  const [fresh, setFresh] = useState<string | null>(null);
  const change = useSecretMutation({
    mutationFn: async (secret: Step) => {
      const params = { path: { id: channel.id } };
      return (await take(api.PATCH("/api/v1/channels/{id}", { params, body: { secret } }))).data;
    },
    onSuccess: async ({ secret }) => {
      setAsking(null);
      setFresh(secret);
      await queries.invalidateQueries({ queryKey: CHANNELS });
    },
  });
  const isExchanging = channel.keys > 1;
  return (
    <span className="flex flex-wrap items-center gap-x-3 gap-y-1.5" data-keys={channel.keys}>
      <span>{isExchanging ? "Two keys sign: the new one and the one before." : "One key signs."}</span>
      {may && (
        <Button onClick={() => setAsking(isExchanging ? "finish" : "exchange")}>
          {isExchanging ? "End the one before…" : "Rotate key…"}
        </Button>
      )}
      <Confirm open={asking !== null} isMild={asking === "exchange"} busy={change.isPending} error={change.error}
        title={asking === "finish" ? "End the key before?" : `Rotate the key of ${channel.name}?`}
        action={asking === "finish" ? "End it" : "Make a new key"} loses={asking === "finish" ? ["Messages that only the key before vouches for"] : []}
        onOpenChange={(open) => {
          if (open) return;
          change.reset();
          setAsking(null);
        }}
        onConfirm={() => asking && change.mutate(asking)}>
        {asking === "finish"
          ? "A receiver that does not know the new key refuses every message from now on. Give it the new one first."
          : "A new key is shown once. Both sign until you end the one before: give the receiver the new one meanwhile."}
      </Confirm>
      <Modal open={fresh !== null} onOpenChange={(open) => open || setFresh(null)} held title="The new key" description={`Of ${channel.name}.`}>
        {fresh && (
          <SecretOnce what="key" text={fresh} onDone={() => setFresh(null)}
            note="When the receiver knows it, come back here and end the one before." />
        )}
      </Modal>
    </span>
  );
}
