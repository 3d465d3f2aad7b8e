import { expect, it } from "vitest";
import type { SeriesSet } from "../../lib/types";
import { causeAt, explained } from "./causes";
import type { Item } from "./kinds";

const at = (seconds: number) => new Date(seconds * 1000).toISOString();
const series = (metric: string, points: SeriesSet["series"][number]["points"]) => ({ object: "", metric, unit: "seconds", kind: "gauge", points });
const set = (...all: SeriesSet["series"]): SeriesSet => ({ from: "", to: "", step_s: 5, series: all });
const changed = (seconds: number, state: string): Item => ({ at: at(seconds), kind: "state_changed", severity: null, state, text: "Down; was up", alert: null, version: null, job: null });

it("tells what was asked in vain then, and what was refused", () => {
  const gap = (t: number, cause: string): [number, null, null, null, string] => [t * 1000, null, null, null, cause];
  const both = set(series("snmp_rtt_seconds", [[90_000, 1, 1, 1], gap(100, "timeout")]), series("icmp_rtt_seconds", [gap(98, "timeout")]));
  expect(causeAt(both, 100_000, 5)).toBe("SNMP and echo: no answer");
  const one = set(series("snmp_rtt_seconds", [gap(100, "auth")]), series("icmp_rtt_seconds", [[100_000, 1, 1, 1]]));
  expect(explained([changed(101, "degraded"), changed(101, "up")], one, 5).map(({ text }) => text)).toEqual(["Down; was up · SNMP: wrong credential", "Down; was up"]);
});

it("says nothing of other times, and where nothing is known", () => {
  const old = set(series("snmp_rtt_seconds", [[10_000, null, null, null, "timeout"]]));
  expect(causeAt(old, 100_000, 5)).toBeNull();
  expect(causeAt(set(), 100_000, 5)).toBeNull();
  expect(explained([changed(1, "down")], undefined, 5)[0]?.text).toBe("Down; was up");
});
