import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, take } from "../../lib/api";
import { Confirm } from "../../ui/confirm";
import { ROUTES, useSiteName } from "./queries";
import { sentenceHead, sentenceTail } from "./route-words";
import type { Route } from "./types";

/** `onGone`: it is removed. */
export function RemoveRoute({ route, onClose, onGone }: { route: Route | null; onClose: () => void; onGone: () => void }) {
  const siteName = useSiteName();
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: (id: string) => take(api.DELETE("/api/v1/routes/{id}", { params: { path: { id } } })),
    onSuccess: async () => {
      onGone();
      await queries.invalidateQueries({ queryKey: ROUTES });
    },
  });
  return (
    <Confirm open={route !== null} title={`Remove the route to ${route?.channel.name ?? ""}?`} action="Remove route" busy={remove.isPending} error={remove.error}
      loses={route ? [`${sentenceHead(route, siteName)} ${route.channel.name}${sentenceTail(route)}`] : []}
      onOpenChange={(open) => {
        if (open) return;
        remove.reset();
        onClose();
      }}
      onConfirm={() => route && remove.mutate(route.id)}>
      The channel stays. It is told of these alerts no more, unless another route leads them there.
    </Confirm>
  );
}
