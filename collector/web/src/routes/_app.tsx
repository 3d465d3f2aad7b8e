import { createFileRoute, redirect, retainSearchParams } from "@tanstack/react-router";
import * as v from "valibot";
import { Shell } from "../features/shell/shell";
import { ApiError, isAway } from "../lib/api";
import { connectFor, openKept } from "../lib/kept";
import { seesNothing } from "../lib/role";
import { rememberedTenant, settledTenant } from "../lib/scope";
import { meQuery } from "../lib/session";

const search = v.object({
  tenant: v.fallback(v.optional(v.string()), undefined),
  /** The page alone, without head and navigation. */
  kiosk: v.fallback(v.optional(v.literal(1)), undefined),
});

export const Route = createFileRoute("/_app")({
  validateSearch: search,
  // Every link keeps to the tenant and to the kiosk; only the switch leaves it.
  search: { middlewares: [retainSearchParams(["tenant", "kiosk"])] },
  beforeLoad: async ({ context, location, search: { tenant }, cause }) => {
    try {
      await context.queries.ensureQueryData(meQuery);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) throw redirect({ to: "/login", search: { next: location.href } });
      // Who was here last sees what they saw last.
      if (!isAway(error) || !(await openKept(context.queries))) throw error;
    }
    const me = await context.queries.ensureQueryData(meQuery);
    const { tenants, user } = me;
    if (user.must_change_password) throw redirect({ to: "/password", search: { next: location.href } });
    // Later on a page without a tenant was chosen so: the way back leads to it.
    const remembered = cause === "enter" ? rememberedTenant() : null;
    const settled = settledTenant(tenants, tenant, remembered);
    if (settled !== tenant) {
      throw redirect({
        to: location.pathname, search: { ...location.search, tenant: settled }, replace: true,
      });
    }
    if (!seesNothing(me)) connectFor(context.queries);
  },
  component: Shell,
});
