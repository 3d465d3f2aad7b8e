import { useMutation } from "@tanstack/react-query";
import { api, take } from "../../lib/api";
import { integer } from "../../lib/format";
import { live } from "../../lib/live-app";
import type { Agent } from "../../lib/types";
import { Confirm } from "../../ui/confirm";

export function RevokeAgent({ agent, onClose }: { agent: Agent | null; onClose: () => void }) {
  const revoke = useMutation({
    mutationFn: (id: string) =>
      take(api.POST("/api/v1/agents/{id}/revoke", { params: { path: { id } }, body: {} })),
    onSuccess: ({ data }) => {
      live.agents.put(data);
      onClose();
    },
  });
  return (
    <Confirm
      open={agent !== null}
      onOpenChange={(open) => {
        if (open) return;
        revoke.reset();
        onClose();
      }}
      title={`Revoke ${agent?.name ?? ""}?`}
      action="Revoke agent"
      busy={revoke.isPending}
      error={revoke.error}
      onConfirm={() => agent && revoke.mutate(agent.id)}
    >
      Its certificate stops working at once and its {integer(agent?.devices ?? 0)} devices are no
      longer watched. To bring it back, enrol it again with a new token.
    </Confirm>
  );
}
