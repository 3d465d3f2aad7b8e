import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import { serverNow } from "../../lib/clock";
import { live, useEachSecond, useInterface, useLink, useTableValue, useWatchedInterfaces } from "../../lib/live-app";
import { useMayIn } from "../../lib/role";
import { causeWord, isDim, STATE_WORD } from "../../lib/state";
import type { Device, DeviceDetail, State } from "../../lib/types";
import { useCommands } from "../../lib/use-commands";
import { useTitle } from "../../lib/use-title";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { Dotted } from "../../ui/dotted";
import { ErrorNote } from "../../ui/error-note";
import { Icon } from "../../ui/icon";
import { StateShape } from "../../ui/state-badge";
import { useOffline } from "../agents/offline";
import { type ChartScope, ChartScopeContext } from "../charts/chart-scope";
import { ECHO_CHARTS } from "../charts/specs";
import { useCharts } from "../charts/use-charts";
import { useRange } from "../charts/use-range";
import { useShown } from "../fleet/fleet-row";
import { NotFound } from "../shell/lost";
import { echoOf, snmpOf } from "./asked";
import { busiest } from "./busiest";
import { reachLatest } from "./latest";
import { largeFigures, type LargeFigure, lossOf, portFigure, uplinkOf } from "./live-figures";
import { PollResult, usePollNow } from "./poll-now";
import { PollTrend } from "./poll-trend";
import { portNews, snmpNews } from "./snmp-news";
import { useDetail } from "./use-detail";
import { useNamesOf } from "./use-device-names";
import { useObjects } from "./use-objects";

const QUARTER = { from: "now-15m", to: "now" };
const nothing = () => {};

/** One device in large figures: for who stands at it with a phone, and for a screen across the room. */
export function LivePage({ id }: { id: string }) {
  const { row, detail, isRemoved, isMissing, error, retry } = useDetail(id);
  const navigate = useNavigate();
  const names = useNamesOf(row ?? detail);
  const device = row ?? detail;
  const name = device ? names.name(device) : "";
  useTitle(device ? `${name} live` : null, true);
  useCommands({ "go.back": () => void navigate({ to: "/devices/$id", params: { id } }) });
  useWakeLock();
  useWatchedInterfaces(id, row !== undefined);
  const range = useRange({ range: QUARTER, zone: "local", compare: null, set: nothing, setZone: nothing, setCompare: nothing });
  const scope = useMemo((): ChartScope => ({ range, asTable: false, events: [], device: id, name }), [range, id, name]);
  if (isMissing || isRemoved) return <NotFound />;
  if (error) return <ErrorNote error={error} className="m-4" onRetry={retry} />;
  if (!device || !detail) return <div role="status" aria-label="Loading the device" />;
  return <ChartScopeContext value={scope}><Live device={device} detail={detail} name={name} /></ChartScopeContext>;
}

const COLOUR: Readonly<Record<State, string>> = { up: "text-up", degraded: "text-degraded", down: "text-down", unknown: "text-unknown" };

function Live({ device, detail, name }: { device: Device; detail: DeviceDetail; name: string }) {
  const { id } = device;
  const [state, cause] = useShown(device);
  const objects = useObjects(device);
  const latest = useMemo(() => reachLatest(device), [device]);
  const { drawn } = useCharts({ device, object: "", charts: ECHO_CHARTS, latest });
  const [trips, losses] = ["echo-rtt", "loss"].map((chart) => drawn?.find(({ spec }) => spec.id === chart)?.data);
  const loss = useMemo(() => lossOf(losses?.values[0] ?? []), [losses]);
  const echo = useEachSecond(() => (detail.ping ? echoOf(device, true, cause, serverNow()).state : ""));
  const snmp = useEachSecond(() => (detail.snmp.credential === "none" ? "" : snmpOf(device, detail.snmp, cause, serverNow()).state));
  const port = usePortFigure(device);
  const figures = [...largeFigures(device, echo || null, snmp || null, loss, objects.data ?? []), ...port];
  const poll = usePollNow(id);
  const offline = useOffline(device.agent.id);
  const may = useMayIn()(device.tenant.id);
  const way = useLink(({ phase }) => phase);
  const isAway = way !== "live";
  return (
    <div className="mx-auto flex min-h-full max-w-[1100px] flex-col" data-live-page={isAway ? "waiting" : "live"}>
      <header className="flex items-center gap-2 px-4 py-2 phone:pr-3 phone:pl-1">
        <Link to="/devices/$id" params={{ id }} aria-label="Back to the device" title="Back to the device (Esc)"
          className="inline-flex size-11 shrink-0 items-center justify-center rounded-md text-muted hover:bg-hover"><Icon name="back" /></Link>
        <h1 className="min-w-0 flex-1 text-lg font-semibold wrap-anywhere"><Dotted name={name} /></h1>
        <span className="inline-flex items-center gap-2 text-xl font-semibold" data-device-state><StateShape state={state} size={18} /><span className={COLOUR[state]}>{STATE_WORD[state]}</span></span>
      </header>
      {isAway && (
        <p role="status" className="mx-4 mb-2 rounded-md border border-edge bg-degraded-soft px-3 py-2 text-base phone:mx-3" data-waiting>
          Waiting: {way === "offline" ? "this phone or computer does not reach the collector" : "the connection is being made"}. These figures stand still and are as old as they say.
        </p>
      )}
      {!isAway && state !== "up" && cause && <p className="px-4 pb-1 text-base text-muted phone:px-3">{causeWord(cause)}</p>}
      {offline && <p className="px-4 pb-1 text-base text-muted phone:px-3">{offline}</p>}
      <dl className="grid grid-cols-2 gap-3 px-4 phone:gap-2 phone:px-3">
        {figures.map((one) => <Large key={one.id} figure={one} interval={device.interval_s} isAway={isAway} />)}
      </dl>
      {figures.length === 0 && <p className="px-4 py-6 text-lg text-muted" data-live-none>Waiting for the first answer: it is polled every {device.interval_s} s.</p>}
      {trips && losses && <div className="px-4 pt-3 phone:px-3"><PollTrend trips={trips} losses={losses} /></div>}
      <div className="flex-1 px-4 phone:px-3"><PollResult poll={poll} /></div>
      {/* At the thumb: the lowest thing on the page. */}
      <div className="sticky bottom-0 mt-3 flex items-center gap-3 border-t border-line bg-bg px-4 py-2 phone:px-3">
        <span className="min-w-0 flex-1 text-xs text-muted">polled every {device.interval_s} s by {device.agent.name}; last sample <Age at={device.last_sample_at} long /></span>
        {may.write && <Button look="solid" className="h-11! px-5! text-base" disabled={poll.isPending || offline !== null || isAway} onClick={() => poll.mutate()} data-poll>{poll.isPending ? "Polling…" : "Poll now"}</Button>}
      </div>
    </div>
  );
}

/** Of the port whose link it is; none where nothing is known of ports. */
function usePortFigure(device: Device): LargeFigure[] {
  const object = useTableValue(live.interfaces(device.id), (table) => {
    const all = table.list();
    return uplinkOf(all, busiest(all))?.object ?? "";
  });
  const port = useInterface(device.id, object);
  const state = useEachSecond(() => (port ? portNews(port, snmpNews(device, serverNow()).trust, device.interval_s, serverNow()).state : "unknown"));
  return port ? [portFigure(port, state)] : [];
}

/** No hole beside the last one: alone in its row it has the whole of it. */
const ALONE = "phone:first:col-span-2 phone:[&:last-child:nth-child(even)]:col-span-2 desk:[&:last-child:nth-child(odd)]:col-span-2";

function Large({ figure: { id, title, value, unit, state, word, note, at }, interval, isAway }: { figure: LargeFigure; interval: number; isAway: boolean }) {
  const isOld = useEachSecond(() => isDim(at, interval, serverNow()));
  return (
    <div className={`flex min-w-0 flex-col rounded-xl border border-line bg-surface px-4 py-3 phone:px-3 ${ALONE}`} data-large={id}>
      <dt className="flex gap-2 text-base text-muted"><span className="clip min-w-0 flex-1" title={title}>{title}</span><span className="shrink-0"><Age at={at} /></span></dt>
      <dd className={`whitespace-nowrap ${isOld || isAway ? "stale" : ""}`}>
        <span className={`${id === "rtt" ? "phone:text-[88px]" : ""} text-[clamp(48px,9vw,96px)] leading-none font-semibold tracking-tight`} data-large-value>{value}</span>
        <span className="ml-1.5 text-xl text-muted">{unit}</span>
      </dd>
      <dd className="mt-1 flex min-h-6 flex-wrap items-center gap-x-3 text-base">
        {state && <span className={`inline-flex items-center gap-1.5 font-medium ${COLOUR[state]}`}><StateShape state={state} />{word}</span>}
        {note && <span className="text-muted">{note}</span>}
      </dd>
    </div>
  );
}

/** A screen that goes dark is of no use on a ladder. Where the browser cannot hold it awake, it does not. */
function useWakeLock(): void {
  useEffect(() => {
    live.ensureAgents();
    let lock: WakeLockSentinel | null = null;
    let isGone = false;
    const hold = () => {
      if (document.visibilityState !== "visible" || !("wakeLock" in navigator)) return;
      navigator.wakeLock.request("screen").then((held) => {
        if (isGone) void held.release();
        else lock = held;
      }, () => {});
    };
    hold();
    document.addEventListener("visibilitychange", hold);
    return () => {
      isGone = true;
      document.removeEventListener("visibilitychange", hold);
      void lock?.release();
    };
  }, []);
}
