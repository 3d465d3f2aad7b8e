/** What all charts of a page share: the range, what happened in it, and how their files are called. */
import { createContext, useContext } from "react";
import type { Span } from "../../lib/range";
import { wordsIn, type Zone, type ZoneWords } from "../../lib/zone";
import type { Item } from "../timeline/kinds";
import type { Compare } from "./compare";
import type { Range } from "../../lib/range";
import { type Hole, holeWords } from "./why";

/** The range of the charts, and what moves it. */
export interface ChartRange {
  range: Range;
  /** Null while the range is not valid. */
  span: Span | null;
  isLive: boolean;
  zone: Zone;
  compare: Compare | null;
  set: (range: Range) => void;
  setZone: (zone: Zone) => void;
  setCompare: (compare: Compare | null) => void;
  shift: (by: 1 | -1) => void;
  zoomIn: () => void;
  zoomOut: () => void;
  zoom: (from: number, to: number) => void;
  reset: () => void;
}

export interface ChartScope {
  range: ChartRange;
  asTable: boolean;
  /** Marked on the time axis of each chart. */
  events: readonly Item[];
  /** Whose they are: an id, and the name that their files carry. */
  device: string;
  name: string;
  /** What is known of a time without values. */
  why?: (hole: Hole) => string;
}

const Context = createContext<ChartScope | null>(null);
export const ChartScopeContext = Context.Provider;

export function useChartScope(): ChartScope {
  const scope = useContext(Context);
  if (!scope) throw new Error("a chart stands outside of a page of charts");
  return scope;
}

/** The words of times in the zone of the page's range; where there is none, those of the browser's zone. */
export function useZoneWords(): ZoneWords {
  return wordsIn(useContext(Context)?.range.zone ?? "local");
}

const untold = (hole: Hole) => holeWords(hole, { absences: [], bornS: 0, clock: String });

export function useWhyWords(): (hole: Hole) => string {
  return useContext(Context)?.why ?? untold;
}
