import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, take } from "../../lib/api";
import type { Grant } from "../../lib/types";
import { Confirm } from "../../ui/confirm";
import { GRANTS } from "./grants";

export function EndGrant({ grant, onClose }: { grant: Grant | null; onClose: () => void }) {
  const queries = useQueryClient();
  const end = useMutation({
    mutationFn: (id: string) => take(api.DELETE("/api/v1/grants/{id}", { params: { path: { id } } })),
    onSuccess: async () => {
      onClose();
      await queries.invalidateQueries({ queryKey: GRANTS });
    },
  });
  return (
    <Confirm open={grant !== null} title={`End the access of ${grant?.user.name ?? ""} to ${grant?.tenant.name ?? ""}?`}
      action="End now" busy={end.isPending} error={end.error}
      onOpenChange={(open) => {
        if (open) return;
        end.reset();
        onClose();
      }}
      onConfirm={() => grant && end.mutate(grant.id)}>
      Their pages close at once. What they did stands in the audit.
    </Confirm>
  );
}
