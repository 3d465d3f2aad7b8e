import { useEffect } from "react";
import { serverNow } from "../../lib/clock";
import { useEachSecond } from "../../lib/live-app";
import type { View, ViewKind, Wall } from "../../lib/types";
import { AlertsView } from "./alerts-view";
import { DiskFull } from "./calm";
import { FleetView } from "./fleet-view";
import { NowView } from "./now-view";
import { progress, shiftAt } from "./rotation";
import { SitesView } from "./sites-view";
import { useAwake } from "./use-awake";
import { type Sound, useSound } from "./use-sound";
import { useTouched } from "./use-touched";
import { useWallKeys } from "./use-wall-keys";
import { type Turns, useTurns } from "./use-turns";
import { toldNow, useKnown, useWallRows } from "./use-wall-rows";
import { isRepeated } from "./view-rows";
import { WallHead } from "./wall-head";

export const VIEW_WORD: Readonly<Record<ViewKind, string>> = { now: "Now", sites: "Sites", fleet: "Fleet", alerts: "Alerts" };
const VIEWS = { now: NowView, sites: SitesView, fleet: FleetView, alerts: AlertsView } as const satisfies Record<ViewKind, unknown>;
/** How far one step of the picture goes. */
const SHIFT_PX = 2;
const NOTHING: View = { kind: "now" };

/** The views of a screen in turn. */
export function WallBoard({ wall }: { wall: Wall }) {
  const { views, every_s, tenants, name } = wall;
  const turns = useTurns(Math.max(1, views.length), every_s, (at) => isRepeated(views[at], views, toldNow));
  const sound = useSound();
  const touched = useTouched();
  const minute = useEachSecond(() => Math.floor(serverNow() / 60_000));
  useAwake();
  useWallKeys({ " ": turns.toggle, ArrowRight: () => turns.go(1), ArrowLeft: () => turns.go(-1), s: sound.toggle });
  useEffect(() => {
    document.title = `${name ?? "Wallboard"} · Farwatch`;
  }, [name]);
  const view = views[turns.turn.at % Math.max(1, views.length)];
  const { x, y } = shiftAt(minute);
  const tenant = tenants.find(({ id }) => id === view?.tenant) ?? (tenants.length === 1 ? tenants[0] : undefined);
  const of = [tenant?.name ?? `${tenants.length} tenants`, view?.tag ? `tag ${view.tag}` : null].filter(Boolean).join(" · ");
  return (
    <main className={`wall relative h-dvh overflow-hidden bg-bg leading-[1.35] ${touched ? "" : "cursor-none"}`} data-wall={view?.kind ?? "none"}
      data-paused={turns.turn.pausedMs !== null || undefined}>
      <div className="flex h-full flex-col gap-[.8em] p-[.8em] pb-[1em]" style={{ transform: `translate(${x * SHIFT_PX}px, ${y * SHIFT_PX}px)` }}>
        <WallHead title={view ? VIEW_WORD[view.kind] : (name ?? "Wallboard")} of={of}>{!touched && <Hints sound={sound} isPreview={name === null} />}</WallHead>
        <DiskFull />
        {view ? <Shown key={`${turns.turn.at} ${view.kind}`} view={view} isMixed={!tenant} /> : <NoView />}
      </div>
      {views.length > 1 && <ProgressLine turns={turns} />}
      {touched && <Controls turns={turns} sound={sound} isPreview={name === null} isAlone={views.length < 2} />}
    </main>
  );
}

function Shown({ view, isMixed }: { view: View; isMixed: boolean }) {
  const known = useKnown();
  const rows = useWallRows(view);
  const Body = VIEWS[view.kind];
  if (known === "ready") return <Body rows={rows} isMixed={isMixed} />;
  return <p className="m-auto text-[1.4em] text-muted" role="status">{known === "loading" ? "Loading…" : `${known} It is tried again by itself.`}</p>;
}

function NoView() {
  useWallRows(NOTHING);
  return <p className="m-auto max-w-[30em] text-center text-[1.4em] text-muted">This screen has no view left to show. Give it one under Settings, Wallboards.</p>;
}

/** How much of its time the view has had. Steps with the seconds: nothing else on the page moves. */
function ProgressLine({ turns: { turn, everyMs } }: { turns: Turns }) {
  const share = useEachSecond(() => Math.round(progress(turn, performance.now(), everyMs) * 1000) / 1000);
  return (
    <div aria-hidden="true" className="absolute inset-x-0 bottom-0 h-[.12em] origin-left bg-accent" style={{ transform: `scaleX(${share})` }} />
  );
}

const BUTTON = "rounded-[.3em] border-[.06em] border-edge bg-raised px-[.7em] py-[.25em] hover:bg-hover";

/** Shown for a while to who touches the screen. */
function Controls({ turns, sound, isPreview, isAlone }: { turns: Turns; sound: Sound; isPreview: boolean; isAlone: boolean }) {
  const isPaused = turns.turn.pausedMs !== null;
  return (
    <div className="absolute right-[.8em] bottom-[.6em] flex flex-wrap justify-end gap-[.5em]">
      {isPreview && <a href="/settings/wallboards" className={`${BUTTON} text-accent`}>Make a screen of it</a>}
      {!isAlone && <button type="button" className={BUTTON} onClick={() => turns.go(-1)} aria-label="The view before">←</button>}
      {!isAlone && <button type="button" className={BUTTON} onClick={turns.toggle}>{isPaused ? "Go on" : "Pause"} (space)</button>}
      {!isAlone && <button type="button" className={BUTTON} onClick={() => turns.go(1)} aria-label="The next view">→</button>}
      <button type="button" className={BUTTON} aria-pressed={sound.isOn} onClick={sound.toggle}>Sound {sound.isOn ? "on" : "off"} (s)</button>
    </div>
  );
}

/** In the head: over the view it would hide what is shown. */
function Hints({ sound, isPreview }: { sound: Sound; isPreview: boolean }) {
  const words = sound.isWaiting ? "Sound is on after a click or a key" : isPreview ? "Preview, as you are signed in" : null;
  return words && <p data-wall-hint className="clip min-w-0 rounded-[.3em] bg-raised px-[.6em] text-muted">{words}</p>;
}
