/** Which columns of the fleet there is room for, and how wide each is. */
import { isAlways, LONG, type Room } from "./room";

/** Between two columns, and at both ends of the line with a scroll bar. */
const GAP_PX = 14;
const ENDS_PX = 32 + 12;
/** Box, shape and gaps beside the words of a state. */
const STATE_PX = 58;

/** Figures are as wide as their largest, or their heading. */
const FIGURE_PX: Readonly<Record<string, number>> = {
  interfaces: 62, in: 66, out: 74, rtt: 58, loss: 52, cpu: 50, uptime: 78, age: 40,
};
/** Of what is left, in the order of the columns. */
const SHARE: Readonly<Record<string, number>> = { name: 2, tenant: 1, site: 1, address: 1, model: 1.4 };
/** Who gets what is left first: no name is cut beside an empty column. */
const FIRST = ["state", "name", "address", "tenant", "site", "model"] as const;
/** Left out before a text is cut. */
const EXTRAS = ["cpu", "loss", "model", "uptime"] as const;
/** Left out where not even the least has room; the panel beside tells it. */
const REST = ["rtt", "address", "out", "in", "interfaces", "tenant"] as const;

type Text = (typeof FIRST)[number];
/** What a text makes do with, in the width of a digit. */
const LEAST: Readonly<Record<Text, number>> = { state: 14, name: 15, tenant: 11, site: 8, address: LONG, model: 9 };

/** «Degraded, no answer»: rather than such a cause, columns are left out. */
const SHORT_STATE = 18;

export interface Ground {
  /** Of the list, in pixels. */
  width: number;
  /** Of a digit. */
  digit: number;
}

export interface Fit {
  shown: readonly string[];
  /** For `grid-template-columns`. */
  template: string;
}

const isText = (id: string): id is Text => (FIRST as readonly string[]).includes(id);

/** `isChosen`: somebody has named these columns, so that they are there however narrow the list is. */
export function fit(columns: readonly string[], room: Room, { width, digit }: Ground, isChosen: boolean): Fit {
  const want = (id: Text) => Math.ceil(room[id] * digit) + (id === "state" ? STATE_PX : 0);
  const upTo = (digits: number, id: Text) => Math.min(want(id), Math.ceil(digits * digit) + (id === "state" ? STATE_PX : 0));
  const least = (id: Text) => upTo(LEAST[id], id);
  const sum = (ids: readonly string[], of: (id: Text) => number) =>
    ids.reduce((all, id) => all + GAP_PX + (isText(id) ? of(id) : (FIGURE_PX[id] ?? 0)), ENDS_PX - GAP_PX);
  let shown = isChosen ? columns : columns.filter((id) => isAlways(id) || room.told.has(id));
  const leaveOut = (ids: readonly string[], of: (id: Text) => number) => {
    for (const out of ids) if (sum(shown, of) > width) shown = shown.filter((id) => id !== out);
  };
  if (!isChosen) {
    leaveOut(EXTRAS, (id) => (id === "model" ? least(id) : want(id)));
    leaveOut(REST, (id) => upTo(id === "state" ? SHORT_STATE : LEAST[id], id));
  }
  let left = Math.max(0, width - sum(shown, least));
  const given = new Map<string, number>();
  for (const id of FIRST) {
    if (!shown.includes(id)) continue;
    const more = Math.min(left, want(id) - least(id));
    left -= more;
    given.set(id, least(id) + more);
  }
  const track = (id: string) => {
    const px = given.get(id);
    if (px === undefined) return `${FIGURE_PX[id] ?? 0}px`;
    return SHARE[id] === undefined ? `${px}px` : `minmax(${px}px, ${SHARE[id]}fr)`;
  };
  return { shown, template: shown.map(track).join(" ") };
}
