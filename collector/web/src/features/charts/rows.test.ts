import { expect, it } from "vitest";
import { columnsOf, csv, fileName, rowsOf } from "./rows";
import type { ChartSpec } from "./chart-data";

const spec: ChartSpec = {
  id: "t", title: "Traffic", unit: "b/s", scale: 8,
  lines: [{ label: "In", match: /in/, colour: "chart-in" }, { label: "Out", match: /out/, colour: "chart-out" }],
};
const ALL = { from: 0, to: 1000, gapS: 15 };

it("tells values, gaps as nothing, and the band", () => {
  const data = { times: [10, 20, 30], values: [[1, null, 3], [4, 5, undefined]], bands: [{ min: [0, null, 2], max: [2, null, 4] }, { min: [4, 5, undefined], max: [4, 5, undefined] }] };
  expect(columnsOf(spec, data, null).map(({ title }) => title)).toEqual(["In", "In, least", "In, most", "Out", "Out, least", "Out, most"]);
  expect(csv(columnsOf(spec, data, null), rowsOf(data, { ...ALL, from: 20 }), "utc")).toBe(
    'Time,"In (b/s)","In, least (b/s)","In, most (b/s)","Out (b/s)","Out, least (b/s)","Out, most (b/s)"\r\n'.replaceAll(/"(In|Out) \(b\/s\)"/g, "$1 (b/s)")
    + "1970-01-01T00:00:20Z,,,,5,5,5\r\n1970-01-01T00:00:30Z,3,2,4,,,\r\n",
  );
});

it("puts what was before beside the point that is near, and keeps its own rows where there is nothing else", () => {
  const merged = { times: [10, 12, 40], values: [[1, undefined, 2], [1, undefined, 2]], bands: null, before: [[undefined, 7, undefined], [undefined, 8, undefined]] };
  expect(rowsOf(merged, ALL)).toEqual([{ t: 10, cells: [1, 7, 1, 8] }, { t: 40, cells: [2, undefined, 2, undefined] }]);
  expect(columnsOf(spec, merged, "7d").map(({ title }) => title)).toEqual(["In", "In, the week before", "Out", "Out, the week before"]);
  const bare = { times: [12], values: [[undefined], [undefined]], bands: null, before: [[7], [8]] };
  expect(rowsOf(bare, ALL)).toEqual([{ t: 12, cells: [undefined, 7, undefined, 8] }]);
});

it("starts no formula and breaks no column", () => {
  expect(csv([{ title: '=cmd|"x", y', unit: "" }], [], "utc")).toBe('Time,"\'=cmd|""x"", y"\r\n');
});

it("is called by what it is of and when", () => {
  expect(fileName(["core-1", "", "Traffic"], 0, 60.4)).toBe("core-1 Traffic 1970-01-01T00-00-00Z 1970-01-01T00-01-00Z.csv");
});
