import { type Query, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouter, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { api, whenSignedOut } from "../../lib/api";
import { type Command, registry } from "../../lib/commands";
import { connectFor, dropKept, keepShown, proveKept } from "../../lib/kept";
import { disconnectLive, live, onLive } from "../../lib/live-app";
import { seesNothing } from "../../lib/role";
import { rememberTenant, ScopeContext, useScope } from "../../lib/scope";
import { meQuery } from "../../lib/session";
import { toasts } from "../../lib/toasts";
import { lookForUpdate } from "../../lib/worker";
import { useMe } from "../../lib/use-person";
import { IconButton } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { ToastRegion } from "../../ui/toast-region";
import { Mark, Wordmark } from "../../ui/wordmark";
import { forgetPlaces } from "../../lib/last-place";
import { AccountButton } from "./account-button";
import { LiveBanner, NewVersion } from "./live-banner";
import { DeskNav, PhoneNav } from "./nav";
import { NoTenant } from "./no-tenant";
import { OfflineBar } from "./offline-bar";
import { SearchButton } from "./search-button";
import { ThemeButton } from "./theme-button";
import { TenantSwitch } from "./tenant-switch";
import { useFrameCommands } from "./use-frame-commands";
import { useKiosk } from "./use-kiosk";
import { useTenant } from "./use-tenant";

const VisitBanner = lazy(() => import("./visit-banner").then((m) => ({ default: m.VisitBanner })));
const DataHealth = lazy(() => import("./data-health").then((m) => ({ default: m.DataHealth })));
const DiskBar = lazy(() => import("./disk-bar").then((m) => ({ default: m.DiskBar })));
const DemoBanner = lazy(() => import("./demo-banner").then((m) => ({ default: m.DemoBanner })));
const Palette = lazy(() => import("../palette/palette").then((m) => ({ default: m.Palette })));
const QueueSender = lazy(() => import("../offline/queue-sender").then((m) => ({ default: m.QueueSender })));
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
  // What works on the page that it is opened on.
  const [help, setHelp] = useState<readonly Command[] | null>(null);
  const [palette, setPalette] = useState<readonly Command[] | null>(null);
  const openHelp = () => setHelp(registry.list());
  const openPalette = () => setPalette(registry.list());
  const [isKiosk] = useKiosk();
  const user = useMe()?.user.id;
  const { tenants, tenant } = useScope();
  const isVisiting = tenants.some(({ granted_until: end }) => end);
  const isDemo = (tenant ? [tenant] : tenants).some(({ demo }) => demo);
  const navigate = useNavigate();
  const router = useRouter();
  const isSettings = useRouterState({ select: ({ location }) => location.pathname.startsWith("/settings") });
  const queries = useQueryClient();

  const leave = useCallback(
    (tell: boolean) => {
      toasts.endAll();
      void dropKept();
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
      connectFor(queries);
      live.ensureAlerts();
    }
  }, [queries, isOfNone]);
  useEffect(() => {
    if (isOfNone) return;
    return onLive(() => {
      void queries.refetchQueries({ predicate: hasFailed });
      void proveKept(queries);
      lookForUpdate();
    });
  }, [queries, isOfNone]);

  useEffect(() => keepShown(queries), [queries]);
  const signOut = async () => {
    // What waits to be undone is done while one is still signed in.
    toasts.endAll();
    await api.POST("/api/v1/logout").catch(() => {});
    leave(true);
  };

  useFrameCommands({ onHelp: openHelp, onPalette: openPalette, onSignOut: () => void signOut() });

  return (
    <div data-kiosk={isKiosk || undefined} className="group/frame flex h-dvh flex-col">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:absolute focus:z-60 focus:bg-raised focus:px-4 focus:py-2"
      >
        Skip to the page
      </a>
      <header className="group-data-kiosk/frame:hidden flex h-11 shrink-0 items-center gap-1 border-b border-line bg-surface px-4 phone:h-13 phone:px-3">
        <Link to="/" aria-label="Farwatch, what is wrong now"
          className={`mr-4 inline-flex h-8 items-center gap-2 max-[1180px]:mr-2 phone:h-11 ${hasTenant ? "phone:mr-0 phone:min-w-11" : ""}`}>
          <Mark size={22} />
          <span className={hasTenant ? "max-[1180px]:hidden" : ""}><Wordmark /></span>
        </Link>
        <TenantSwitch onChange={onTenant} />
        <DeskNav />
        <span className="flex min-w-0 flex-1 justify-end"><Suspense>{!isOfNone && <DataHealth />}</Suspense></span>
        <NewVersion />
        {!isOfNone && <LiveBanner />}
        <SearchButton onClick={openPalette} />
        {/* The phone's head belongs to the tenant: both are a step away there. */}
        <span className="contents phone:hidden">
          <ThemeButton />
          <IconButton label="Keys (?)" onClick={openHelp}><Icon name="help" /></IconButton>
        </span>
        <AccountButton onSignOut={() => void signOut()} />
      </header>
      {!isOfNone && <OfflineBar />}
      <Suspense><DiskBar /></Suspense>
      <Suspense>{isVisiting && <VisitBanner />}</Suspense>
      <Suspense>{isDemo && <DemoBanner />}</Suspense>
      <main id="main" tabIndex={-1} className="relative min-h-0 flex-1 overflow-y-auto outline-none">
        {isOfNone && !isSettings ? <NoTenant /> : <Outlet />}
      </main>
      <PhoneNav />
      <ToastRegion />
      <Suspense>{user && <QueueSender user={user} />}</Suspense>
      <Suspense>{help && <KeyHelp commands={help} onClose={() => setHelp(null)} />}</Suspense>
      {/* What is typed while it loads is for it, and no key of the page. */}
      <Suspense fallback={<div role="dialog" aria-label="Find anything" />}>{palette && <Palette commands={palette} onClose={() => setPalette(null)} />}</Suspense>
    </div>
  );
}
