import { useMutation } from "@tanstack/react-query";
import { api, take } from "../../lib/api";
import { counted, integer } from "../../lib/format";
import { live } from "../../lib/live-app";
import { useAgentNames } from "../../lib/live-names";
import type { Agent } from "../../lib/types";
import { Confirm } from "../../ui/confirm";

/** So many devices are not lost by one click. */
const MANY = 20;

function lost({ devices, buffer, site, tenant }: Agent): string[] {
  const lines = [`The watch over ${counted(devices, "device")} of ${site.name}, ${tenant.name}, until another agent has them`];
  if (buffer && buffer.batches > 0) lines.push(`${buffer.batches === 1 ? "1 batch" : `${integer(buffer.batches)} batches`} that it has not sent yet`);
  return lines;
}

export function RevokeAgent({ agent, onClose }: { agent: Agent | null; onClose: () => void }) {
  const names = useAgentNames();
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
      title={`Revoke ${agent ? names.name(agent) : ""}?`}
      action="Revoke agent"
      busy={revoke.isPending}
      error={revoke.error}
      loses={agent ? lost(agent) : []}
      typed={agent && agent.devices >= MANY ? agent.name : undefined}
      onConfirm={() => agent && revoke.mutate(agent.id)}
    >
      Its certificate stops working at once, for good: enrolled again, the machine is a new agent. Its devices
      stay with their history: mark them in the fleet and move them to another agent.
    </Confirm>
  );
}
