import { counted, integer } from "../../lib/format";
import { STATE_WORD, STATES } from "../../lib/state";
import type { State } from "../../lib/types";
import { StateShape } from "../../ui/state-badge";
import { reasonWords } from "../now/unknown";
import { Calm, NoDevices } from "./calm";
import { IncidentLine } from "./incident-line";
import { type Tone, TONE_TEXT } from "../alerts/tone";
import { untoldTone } from "./incident-tone";
import type { WallRows } from "./use-wall-rows";
import { WallLine } from "./wall-line";
import { WallList } from "./wall-list";

/** What is wrong, the worst first; beside it what nobody can tell, below it how all stand. */
export function NowView({ rows, isMixed }: { rows: WallRows; isMixed: boolean }) {
  const { incidents, devices, counts, sites, cared, byAgent } = rows;
  if (devices.length === 0 && incidents.length === 0) return <NoDevices />;
  if (counts.up === devices.length && incidents.length === 0) return <Calm devices={devices.length} sites={sites.length} />;
  // What is behind an agent that is away is told by its incident.
  const away = new Set(incidents.flatMap(({ isAway, root }) => (isAway ? root : [])));
  const unknown = rows.unknown.filter(({ agent }) => agent === null || !away.has(agent));
  const toneOf = (state: State): Tone =>
    state === "unknown" ? "muted" : state === "up" ? "calm" : untoldTone(devices.filter((one) => one.state === state), incidents, cared);
  return (
    <>
      <div className={`grid min-h-0 flex-1 gap-[1em] ${
        unknown.length > 0 ? "landscape:grid-cols-[minmax(0,1fr)_21em] portrait:grid-rows-[minmax(0,3fr)_minmax(0,2fr)]" : ""}`}>
        <section aria-label="What is wrong" className="flex min-h-0 min-w-0 flex-col">
          {incidents.length === 0
            ? <p className="m-auto text-[2em] text-muted">No open incident</p>
            : <WallList label="Open incidents" rows={incidents}
                renderLine={(one) => <IncidentLine key={one.root} incident={one} isMixed={isMixed} />} />}
        </section>
        {unknown.length > 0 && (
          <section aria-label="What is unknown" className="flex min-h-0 min-w-0 flex-col gap-[.4em]">
            <h2 className="text-[1.1em] font-semibold">Unknown</h2>
            <WallList label="What is unknown" rows={unknown} isBelow renderLine={(group) => {
              const agent = group.agent ? byAgent.get(group.agent) : undefined;
              return (
                <WallLine key={group.key} tone="muted" shape={<StateShape state="unknown" />} title={reasonWords(group, agent?.name ?? "", agent)}
                  notes={[counted(group.devices.length, "device"), agent ? agent.site.name : null, isMixed && agent ? agent.tenant.name : null]} />
              );
            }} />
          </section>
        )}
      </div>
      <ul aria-label="How all stand" className="grid shrink-0 grid-cols-4 gap-[.4em] portrait:grid-cols-2">
        {STATES.map((state) => <Count key={state} state={state} count={counts[state]} tone={toneOf(state)} />)}
      </ul>
    </>
  );
}

/** Quiet where an incident tells it already: one red for one fault. */
function Count({ state, count, tone }: { state: State; count: number; tone: Tone }) {
  const colour = count === 0 ? TONE_TEXT.muted : tone === "calm" && state !== "up" ? "text-text" : TONE_TEXT[tone];
  return (
    <li data-wall-count={state} className="flex min-w-0 items-center justify-center gap-[.6em] rounded-[.3em] bg-surface px-[.7em] py-[.5em] leading-tight">
      <span className="[&>svg]:size-[1.3em]"><StateShape state={state} colour={colour} /></span>
      <span className={`text-[2em] font-semibold ${count === 0 || state === "up" ? "text-muted" : ""}`}>{integer(count)}</span>
      <span className="clip text-[1.2em] text-muted">{STATE_WORD[state]}</span>
    </li>
  );
}
