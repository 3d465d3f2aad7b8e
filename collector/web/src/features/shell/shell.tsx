import { type Query, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouter, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { api, whenSignedOut } from "../../lib/api";
import { connectLive, disconnectLive, live, onLive } from "../../lib/live-app";
import { seesNothing } from "../../lib/role";
import { rememberTenant, ScopeContext, useScope } from "../../lib/scope";
import { meQuery } from "../../lib/session";
import { setTheme, useTheme } from "../../lib/theme";
import { useKeys } from "../../lib/use-keys";
import { useMe } from "../../lib/use-person";
import { IconButton } from "../../ui/button";
import { Icon, type IconName } from "../../ui/icon";
import { Mark, Wordmark } from "../../ui/wordmark";
import { forgetPlaces } from "../../lib/last-place";
import { OpenAlerts } from "../alerts/nav-count";
import { AccountButton } from "./account-button";
import { LiveBanner, NewVersion } from "./live-banner";
import { NoTenant } from "./no-tenant";
import { TenantSwitch } from "./tenant-switch";
import { useTenant } from "./use-tenant";

const NAV: readonly { to: "/fleet" | "/alerts" | "/config" | "/agents" | "/settings"; label: string; icon: IconName }[] = [
  { to: "/fleet", label: "Fleet", icon: "fleet" },
  { to: "/alerts", label: "Alerts", icon: "bell" },
  { to: "/config", label: "Config", icon: "config" },
  { to: "/agents", label: "Agents", icon: "agents" },
  { to: "/settings", label: "Settings", icon: "settings" },
];

const VisitBanner = lazy(() => import("./visit-banner").then((m) => ({ default: m.VisitBanner })));
const KeyHelp = lazy(() => import("./key-help").then((m) => ({ default: m.KeyHelp })));

const hasFailed = (query: Query) => query.state.status === "error";

export function Shell() {
  const [scope, chooseTenant] = useTenant();
  const me = useMe();
  return (
    <ScopeContext value={scope}>
      <Frame hasTenant={scope.tenants.length > 0} isOfNone={me !== undefined && seesNothing(me)} onTenant={chooseTenant} />
    </ScopeContext>
  );
}

/** Head, navigation and the page between them. */
function Frame({ hasTenant, isOfNone, onTenant }: {
  hasTenant: boolean; isOfNone: boolean; onTenant: (tenant: string | null) => void;
}) {
  const [help, setHelp] = useState(false);
  const isVisiting = useScope().tenants.some(({ granted_until: end }) => end);
  const navigate = useNavigate();
  const router = useRouter();
  const isSettings = useRouterState({ select: ({ location }) => location.pathname.startsWith("/settings") });
  const queries = useQueryClient();

  const leave = useCallback(
    (tell: boolean) => {
      // Several requests may learn of the end at once; the first one leaves.
      whenSignedOut(() => {});
      disconnectLive(tell);
      queries.clear();
      forgetPlaces();
      if (tell) rememberTenant(null);
      void navigate({ to: "/login", search: tell ? {} : { next: router.state.location.href } });
    },
    [navigate, queries, router],
  );

  useEffect(() => {
    whenSignedOut(() => leave(false));
    return () => whenSignedOut(() => {});
  }, [leave]);

  // A stream whose rights have changed ends with a resync: what we may see has changed too.
  useEffect(() => {
    return live.onResync(() => void queries.invalidateQueries({ queryKey: meQuery.queryKey }));
  }, [queries]);
  // There is a stream for who sees something; it is another one after a time of seeing nothing.
  useEffect(() => {
    if (isOfNone) disconnectLive(false);
    else {
      connectLive();
      live.ensureAlerts();
    }
  }, [isOfNone]);
  useEffect(() => {
    if (isOfNone) return;
    return onLive(() => void queries.refetchQueries({ predicate: hasFailed }));
  }, [queries, isOfNone]);

  const signOut = async () => {
    await api.POST("/api/v1/logout").catch(() => {});
    leave(true);
  };

  useKeys({
    "?": () => setHelp(true),
    "g f": () => void navigate({ to: "/fleet" }),
    "g a": () => void navigate({ to: "/alerts" }),
    "g c": () => void navigate({ to: "/config" }),
    "g e": () => void navigate({ to: "/agents" }),
    "g s": () => void navigate({ to: "/settings" }),
    "g k": () => void navigate({ to: "/settings/api-keys" }),
  });

  return (
    <div className="flex h-dvh flex-col">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:absolute focus:z-60 focus:bg-raised focus:px-4 focus:py-2"
      >
        Skip to the page
      </a>
      <header className="flex h-11 shrink-0 items-center gap-1 border-b border-line bg-surface px-4 phone:h-13 phone:px-3">
        <Link to="/fleet" aria-label="Farwatch, fleet"
          className={`mr-4 inline-flex h-8 items-center gap-2 phone:h-11 ${hasTenant ? "phone:mr-0 phone:min-w-11" : ""}`}>
          <Mark size={22} />
          <span className={hasTenant ? "phone:hidden" : ""}><Wordmark /></span>
        </Link>
        <TenantSwitch onChange={onTenant} />
        <nav aria-label="Main" className="flex gap-0.5 phone:hidden">
          {NAV.map((item) => (
            <Link
              key={item.to}
              to={item.to}
              className="inline-flex items-center gap-1.5 rounded-md px-2.5 py-1.5 text-muted hover:bg-hover hover:text-text
                aria-[current=page]:bg-hover aria-[current=page]:font-medium aria-[current=page]:text-text"
            >
              {item.label}
              {item.to === "/alerts" && <OpenAlerts />}
            </Link>
          ))}
        </nav>
        <span className="flex-1" />
        <NewVersion />
        {!isOfNone && <LiveBanner />}
        <ThemeButton />
        <IconButton label="Keys (?)" className="phone:hidden" onClick={() => setHelp(true)}>
          <Icon name="help" />
        </IconButton>
        <AccountButton onSignOut={() => void signOut()} />
      </header>
      <Suspense>{isVisiting && <VisitBanner />}</Suspense>
      <main id="main" tabIndex={-1} className="min-h-0 flex-1 overflow-y-auto outline-none">
        {isOfNone && !isSettings ? <NoTenant /> : <Outlet />}
      </main>
      <nav
        aria-label="Main"
        className="hidden shrink-0 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] phone:flex"
      >
        {NAV.map((item) => (
          <Link
            key={item.to}
            to={item.to}
            className="relative flex min-h-14 flex-1 flex-col items-center justify-center gap-0.5 text-2xs text-muted
              aria-[current=page]:text-accent"
          >
            <Icon name={item.icon} size={20} />
            {item.to === "/alerts" && <OpenAlerts className="absolute top-1 left-1/2 ml-1.5" />}
            {item.label}
          </Link>
        ))}
      </nav>
      <Suspense>{help && <KeyHelp open onOpenChange={setHelp} />}</Suspense>
    </div>
  );
}

function ThemeButton() {
  const theme = useTheme();
  const next = theme === "dark" ? "light" : "dark";
  return (
    <IconButton label={`Use the ${next} theme`} data-theme-switch onClick={() => setTheme(next)}>
      <Icon name={theme === "dark" ? "sun" : "moon"} />
    </IconButton>
  );
}
