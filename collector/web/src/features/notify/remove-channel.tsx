import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, take } from "../../lib/api";
import { counted } from "../../lib/format";
import { Confirm } from "../../ui/confirm";
import { KIND_WORD, targetWords } from "./channel-words";
import { CHANNELS, ROUTES } from "./queries";
import type { Channel, Route } from "./types";

interface Props {
  channel: Channel | null;
  routes: readonly Route[];
  onClose: () => void;
  onGone?: () => void;
}

export function RemoveChannel({ channel, routes, onClose, onGone }: Props) {
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: (id: string) => take(api.DELETE("/api/v1/channels/{id}", { params: { path: { id } } })),
    onSuccess: async () => {
      onClose();
      onGone?.();
      await Promise.all([CHANNELS, ROUTES].map((queryKey) => queries.invalidateQueries({ queryKey })));
    },
  });
  return (
    <Confirm open={channel !== null} title={`Remove ${channel?.name ?? ""}?`} action="Remove channel" busy={remove.isPending}
      error={remove.error} loses={channel ? lost(channel, routes) : []}
      onOpenChange={(open) => {
        if (open) return;
        remove.reset();
        onClose();
      }}
      onConfirm={() => channel && remove.mutate(channel.id)}>
      Nobody is told by it any more. To stop it for a while, switch it off by «Edit» instead.
    </Confirm>
  );
}

function lost(channel: Channel, routes: readonly Route[]): string[] {
  const own = routes.filter((route) => route.channel.id === channel.id).length;
  return [
    `${KIND_WORD[channel.kind]} to ${targetWords(channel)}, with its secrets and the log of its deliveries`,
    ...(own > 0 ? [`${counted(own, "route")} that lead${own === 1 ? "s" : ""} to it`] : []),
    ...(channel.waiting > 0 ? [`${counted(channel.waiting, "notification")} that wait${channel.waiting === 1 ? "s" : ""} for it`] : []),
  ];
}
