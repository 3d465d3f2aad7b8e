import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, take } from "../../lib/api";
import { dateTime } from "../../lib/format";
import type { Screen } from "../../lib/types";
import { Confirm } from "../../ui/confirm";
import { SCREENS } from "./screens";

export function RemoveScreen({ target, onClose }: { target: Screen | null; onClose: () => void }) {
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: (id: string) => take(api.DELETE("/api/v1/screens/{id}", { params: { path: { id } } })),
    onSuccess: async () => {
      onClose();
      await queries.invalidateQueries({ queryKey: SCREENS });
    },
  });
  const seen = target?.last_used_at ? `seen last on ${dateTime(target.last_used_at)}` : "never opened so far";
  const own = (target?.tenants ?? []).map(({ name }) => name).join(", ");
  return (
    <Confirm open={target !== null} onOpenChange={(open) => {
      if (open) return;
      remove.reset();
      onClose();
    }}
      title={`Remove the wallboard ${target?.name ?? ""}?`} action="Remove wallboard" busy={remove.isPending}
      loses={target ? [target.shared ? `What it shows of ${own}` : `Its link, ${seen}`] : []} error={remove.error} onConfirm={() => target && remove.mutate(target.id)}>
      {target?.shared ? "It shows tenants of others, too: it goes on for these." : "Every screen that was opened by its link shows nothing more within a minute. A new link needs a new wallboard."}
    </Confirm>
  );
}
