import { expect, it } from "vitest";
import { chartData, figuresIn, isCalm, valueWords, withTail } from "./chart-data";
import { PORT_CHARTS } from "./specs";
import type { SeriesSet } from "../../lib/types";

const [traffic, packets] = PORT_CHARTS;
const series = (metric: string, points: SeriesSet["series"][number]["points"]) => ({
  object: "if:1", metric, unit: "bytes_per_second", kind: "counter64", points,
});
const set = (...all: SeriesSet["series"]): SeriesSet => ({ from: "", to: "", step_s: 5, series: all });

it("turns octets into bits and keeps gaps as gaps", () => {
  if (!traffic) throw new Error("no chart");
  const data = chartData(
    set(series("if_in_octets_total", [[1000, 2, 2, 2], [2000, null, null, null, "timeout"]])),
    traffic,
  );
  expect(data).toEqual({ times: [1, 2], values: [[16, null], [null, null]], bands: null, gaps: [{ from: 1, to: 2, cause: "timeout" }] });
});

it("sums packet kinds; a gap in one is a gap in the sum", () => {
  if (!packets) throw new Error("no chart");
  const data = chartData(
    set(
      series("if_in_unicast_packets_total", [[1000, 2, 2, 2], [2000, 3, 3, 3]]),
      series("if_in_multicast_packets_total", [[1000, 1, 1, 1], [2000, null, null, null]]),
    ),
    packets,
  );
  expect(data.values[0]).toEqual([3, null]);
});

it("appends the live tail and leaves a pause open", () => {
  const data = { times: [10], values: [[1], [1]], bands: null };
  const point = (t: number) => ({ t, charts: { traffic: [t, t] } });
  const gaps = [{ from: 2, to: 8, cause: "gap" }];
  const joined = withTail({ ...data, gaps }, [point(9), point(12), point(100)], { id: "traffic" }, 15);
  expect(joined.gaps).toBe(gaps);
  expect(joined.times).toEqual([10, 12, 56, 100]);
  expect(joined.values[0]).toEqual([1, 12, null, 100]);
});

it("tells the figures of the range alone, and the peak of the samples behind a mean", () => {
  const data = {
    times: [1, 2, 3, 4, 5],
    values: [[90, 2, 3, null, 80], [null, null, null, null, null]],
    bands: null,
  };
  expect(figuresIn(data, 2, 4)).toEqual([
    { last: 3, at: 3, peak: 3 },
    { last: null, at: Number.NEGATIVE_INFINITY, peak: null },
  ]);
  const bands = [{ min: [1, 1, 1, null, 1], max: [99, 7, 4, null, 99] }];
  expect(figuresIn({ ...data, values: [data.values[0] ?? []], bands }, 2, 4)[0]?.peak).toBe(7);
});

it("draws lines of different polls across each other's points, and not across their own gaps", () => {
  const spec = {
    id: "rtt", title: "", unit: "ms", scale: 1000, apart: true,
    lines: [{ label: "Echo", match: /^icmp/, colour: "chart-in" }, { label: "SNMP", match: /^snmp/, colour: "chart-out" }],
  } as const;
  const data = chartData(
    set(series("icmp_rtt_seconds", [[1000, 0.002, 0.002, 0.002], [3000, null, null, null]]), series("snmp_rtt_seconds", [[2000, 0.003, 0.003, 0.003]])),
    spec,
  );
  expect(data.values).toEqual([[2, undefined, null], [undefined, 3, undefined]]);
  const joined = withTail(data, [{ t: 4, charts: { rtt: [5, undefined] } }], spec, 15);
  expect(joined.values).toEqual([[2, undefined, null, 5], [undefined, 3, undefined, undefined]]);
});

it("says yes or no of what is so or not", () => {
  expect([1, 0, 0.5, null].map((value) => valueWords(value, { unit: "", good: 1 }))).toEqual(["yes", "no", "in part", "–"]);
});

it("keeps the colours of trouble for trouble", () => {
  expect(isCalm({ colour: "chart-4" }, [0, null, undefined])).toBe(true);
  expect(isCalm({ colour: "chart-4" }, [0, 0.1])).toBe(false);
  expect(isCalm({ colour: "chart-out" }, [0])).toBe(false);
});
