import { Link, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { Icon, type IconName } from "../../ui/icon";
import { OpenAlerts } from "../alerts/nav-count";

const MoreSheet = lazy(() => import("./more-sheet").then((m) => ({ default: m.MoreSheet })));

interface Item {
  to: "/" | "/sites" | "/fleet" | "/alerts" | "/config" | "/agents" | "/settings";
  label: string;
  icon: IconName;
}

const NOW: Item = { to: "/", label: "Now", icon: "now" };
const SITES: Item = { to: "/sites", label: "Sites", icon: "site" };
const FLEET: Item = { to: "/fleet", label: "Fleet", icon: "fleet" };
const ALERTS: Item = { to: "/alerts", label: "Alerts", icon: "bell" };
/** What a phone has no room for at the bottom. */
export const REST: readonly Item[] = [
  { to: "/config", label: "Config", icon: "config" },
  { to: "/agents", label: "Agents", icon: "agents" },
  { to: "/settings", label: "Settings", icon: "settings" },
];

/** Every path begins as that of Now does. */
const isExact = ({ to }: Item) => ({ exact: to === "/", includeSearch: false });

export function DeskNav() {
  return (
    <nav aria-label="Main" className="flex gap-0.5 phone:hidden">
      {[NOW, SITES, FLEET, ALERTS, ...REST].map((item) => (
        <Link key={item.to} to={item.to} activeOptions={isExact(item)}
          className="inline-flex items-center gap-1.5 rounded-md px-2.5 py-1.5 text-muted hover:bg-hover hover:text-text max-[1000px]:px-1.5
            aria-[current=page]:bg-hover aria-[current=page]:font-medium aria-[current=page]:text-text aria-[current=page]:shadow-[inset_0_-2px_0_var(--accent)]">
          {item.label}
          {item === ALERTS && <OpenAlerts />}
        </Link>
      ))}
    </nav>
  );
}

const TAB = "relative flex min-h-14 flex-1 flex-col items-center justify-center gap-0.5 text-2xs text-muted aria-[current=page]:text-accent";

/** At the bottom, where a thumb is. */
export function PhoneNav() {
  const [open, setOpen] = useState(false);
  const isRest = useRouterState({ select: ({ location }) => REST.some(({ to }) => location.pathname.startsWith(to)) });
  return (
    <nav aria-label="Main" className="hidden shrink-0 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] group-not-data-kiosk/frame:phone:flex">
      {[NOW, FLEET, ALERTS, SITES].map((item) => (
        <Link key={item.to} to={item.to} activeOptions={isExact(item)} className={TAB}>
          <Icon name={item.icon} size={20} />
          {item === ALERTS && <OpenAlerts className="absolute top-1 left-1/2 ml-1.5" />}
          {item.label}
        </Link>
      ))}
      <button type="button" aria-haspopup="dialog" aria-expanded={open} aria-current={isRest ? "page" : undefined} className={TAB} data-more onClick={() => setOpen(true)}>
        <Icon name="more" size={20} />
        More
      </button>
      <Suspense>{open && <MoreSheet onClose={() => setOpen(false)} />}</Suspense>
    </nav>
  );
}
