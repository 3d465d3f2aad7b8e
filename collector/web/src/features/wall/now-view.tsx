import { counted, integer } from "../../lib/format";
import { STATE_WORD, STATES } from "../../lib/state";
import type { State } from "../../lib/types";
import { StateShape } from "../../ui/state-badge";
import { reasonWords } from "../now/unknown";
import { Calm, NoDevices } from "./calm";
import { IncidentLine } from "./incident-line";
import { deviceTone, loudest, type Tone, TONE_TEXT } from "./tone";
import type { WallRows } from "./use-wall-rows";
import { WallLine } from "./wall-line";
import { WallList } from "./wall-list";

/** As many have room to be larger. */
const FEW = 5;

/** What is wrong, the worst first; beside it how all stand, and what nobody can tell. */
export function NowView({ rows, isMixed }: { rows: WallRows; isMixed: boolean }) {
  const { incidents, unknown, devices, counts, sites, cared, byAgent } = rows;
  if (devices.length === 0 && incidents.length === 0) return <NoDevices />;
  if (counts.up === devices.length && incidents.length === 0) return <Calm devices={devices.length} sites={sites.length} />;
  const tones: Readonly<Record<State, Tone>> = {
    up: "calm", unknown: "muted",
    down: loudest(devices.flatMap((one) => (one.state === "down" ? deviceTone(one, cared) : []))),
    degraded: loudest(devices.flatMap((one) => (one.state === "degraded" ? deviceTone(one, cared) : []))),
  };
  return (
    <div className={`grid min-h-0 flex-1 gap-[1em] landscape:grid-cols-[minmax(0,1fr)_20em] ${
      unknown.length > 0 ? "portrait:grid-rows-[minmax(0,1fr)_minmax(0,3fr)]" : "portrait:grid-rows-[auto_minmax(0,1fr)]"}`}>
      <section aria-label="What is wrong" className="flex min-h-0 min-w-0 flex-col">
        {incidents.length === 0
          ? <p className="m-auto text-[1.4em] text-muted">No open incident</p>
          : <WallList label="Open incidents" rows={incidents} className={incidents.length <= FEW ? "text-[1.35em]" : ""}
              renderLine={(one) => <IncidentLine key={one.root} incident={one} isMixed={isMixed} />} />}
      </section>
      <section aria-label="How all stand" className="flex min-h-0 min-w-0 flex-col gap-[.7em] portrait:order-first">
        <ul className="grid grid-cols-2 gap-[.4em] portrait:grid-cols-4">
          {STATES.map((state) => <Count key={state} state={state} count={counts[state]} tone={tones[state]} />)}
        </ul>
        {unknown.length > 0 && <h2 className="mt-[.3em] font-semibold">Unknown</h2>}
        {unknown.length > 0 && (
          <WallList label="What is unknown" rows={unknown} renderLine={(group) => {
            const agent = group.agent ? byAgent.get(group.agent) : undefined;
            return (
              <WallLine key={group.key} tone="muted" shape={<StateShape state="unknown" />} title={reasonWords(group, agent?.name ?? "", agent)}
                notes={[counted(group.devices.length, "device"), agent ? agent.site.name : null, isMixed && agent ? agent.tenant.name : null]} />
            );
          }} />
        )}
      </section>
    </div>
  );
}

function Count({ state, count, tone }: { state: State; count: number; tone: Tone }) {
  return (
    <li data-wall-count={state} className="flex flex-col rounded-[.3em] bg-surface px-[.7em] py-[.4em] leading-tight">
      <span className={`flex items-center gap-[.3em] text-[2em] font-semibold ${count === 0 ? "text-muted" : TONE_TEXT[tone]}`}>
        <span className="[&>svg]:size-[.55em]">
          <StateShape state={state} colour={count === 0 ? TONE_TEXT.muted : TONE_TEXT[tone]} />
        </span>
        {integer(count)}
      </span>
      <span className="text-muted">{STATE_WORD[state]}</span>
    </li>
  );
}
