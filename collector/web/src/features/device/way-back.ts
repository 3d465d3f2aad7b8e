/** The page that a device was opened from: its way back leads there, as it was left. */
import type { AnyRouter } from "@tanstack/react-router";
import { lastPlace } from "../../lib/last-place";

interface WayBack {
  href: string;
  label: string;
}

const PAGES: readonly [RegExp, string][] = [
  [/^\/$/, "Now"], [/^\/fleet$/, "the fleet"], [/^\/sites$/, "the sites"], [/^\/sites\//, "the site"], [/^\/agents$/, "the agents"],
  [/^\/agents\//, "the agent"], [/^\/alerts$/, "the alerts"], [/^\/alerts\/(?!rules)/, "the alert"], [/^\/config(\/|$)/, "Config"],
];

const { last, remember } = lastPlace<WayBack>({ href: "/fleet", label: "the fleet" });

/** Null: from there nobody comes back to. */
export function labelOf(pathname: string): string | null {
  return PAGES.find(([page]) => page.test(pathname))?.[1] ?? null;
}

export function watchWayBack(router: AnyRouter): void {
  router.subscribe("onBeforeNavigate", ({ fromLocation: from, toLocation: to }) => {
    const label = from && to.pathname.startsWith("/devices/") ? labelOf(from.pathname) : null;
    if (from && label) remember({ search: { href: from.href, label } });
  });
}

export function wayBack(): WayBack {
  return last().search;
}
