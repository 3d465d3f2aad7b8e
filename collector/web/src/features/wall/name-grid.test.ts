import { expect, it } from "vitest";
import { intoColumns, nameGrid } from "./name-grid";

const TV = { width: 1856, height: 930, em: 29 };
const words = (sizes: readonly number[], room: number) =>
  intoColumns(sizes, room, 0.7).map((column) => column.map(({ group, from, to }) => `${group}:${from}-${to}`).join(" "));

it("goes on in the next column, and leaves no heading at the end of one", () => {
  expect(words([3], 4)).toEqual(["0:0-3"]);
  expect(words([5, 2], 3.5)).toEqual(["0:0-2", "0:2-5", "1:0-2"]);
  expect(words([2, 2], 2 * 2.7)).toEqual(["0:0-2 1:0-2"]);
});

it("shows each device once, within the picture", () => {
  for (const sizes of [[1], [3], [12, 1, 7], Array<number>(30).fill(2), [80]]) {
    const grid = nameGrid(sizes, TV);
    if (!grid) throw new Error(`no grid for ${sizes.join()}`);
    const seen = grid.columns.flat().flatMap(({ group, from, to }) => Array.from({ length: to - from }, (_, i) => `${group} ${from + i}`));
    expect(new Set(seen).size).toBe(sizes.reduce((sum, size) => sum + size, 0));
    for (const column of grid.columns) {
      const high = column.reduce((sum, { from, to }) => sum + (to - from) * grid.tile + (from === 0 ? grid.head : 0), 0);
      expect(high).toBeLessThanOrEqual(1.0001);
    }
  }
});

it("is large for a few, and leaves very many to the shapes", () => {
  expect(nameGrid([3], TV)?.scale).toBeGreaterThan(2);
  expect(nameGrid([400], TV)).toBeNull();
  expect(nameGrid([3], { ...TV, em: 0 })).toBeNull();
});
