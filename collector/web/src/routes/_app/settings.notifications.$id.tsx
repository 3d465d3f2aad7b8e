import { createFileRoute } from "@tanstack/react-router";
import { ChannelPage } from "../../features/notify/channel-page";
import { logSearch } from "../../features/notify/search";

export const Route = createFileRoute("/_app/settings/notifications/$id")({
  validateSearch: logSearch,
  component: ChannelPage,
});
