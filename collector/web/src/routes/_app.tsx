import { createFileRoute, redirect } from "@tanstack/react-router";
import { Shell } from "../features/shell/shell";
import { ApiError } from "../lib/api";
import { connectLive } from "../lib/live-app";
import { meQuery } from "../lib/session";

export const Route = createFileRoute("/_app")({
  beforeLoad: async ({ context, location }) => {
    try {
      await context.queries.ensureQueryData(meQuery);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      throw redirect({ to: "/login", search: { next: location.href } });
    }
    connectLive();
  },
  component: Shell,
});
