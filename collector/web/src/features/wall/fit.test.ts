import { expect, it } from "vitest";
import { fitLines, fullGrid, lineSize, squares, tileGrid } from "./fit";

it("keeps a place for how many there are besides", () => {
  const check = (total: number, height: number) => fitLines(total, height, 10);
  expect([check(3, 35), check(3, 30), check(4, 35), check(9, 5), check(0, 0)]).toEqual([3, 3, 2, 0, 0]);
});

it("makes a few lines large, and never larger than what they say has room", () => {
  const size = (total: number, width = 640, height = 260) => lineSize(total, { width, height, em: 10 });
  expect(size(1)).toEqual({ scale: expect.closeTo(640 / 270), isTall: true });
  expect(size(1, 2000).scale).toBe(2.8);
  expect(size(3)).toEqual({ scale: expect.closeTo(260 / 147), isTall: true });
  expect(size(6)).toEqual({ scale: expect.closeTo(260 / 210), isTall: false });
  expect([size(20), size(2, 200)]).toEqual([{ scale: 1, isTall: false }, { scale: 1, isTall: true }]);
});

const room = { width: 1000, height: 500, gap: 10, least: { width: 90, height: 40 }, aspect: 2 };

it("gives a few tiles much room and many of them less", () => {
  expect(tileGrid({ ...room, count: 1 })).toEqual({ columns: 1, rows: 1 });
  expect(tileGrid({ ...room, count: 12 })).toEqual({ columns: 4, rows: 3 });
  for (let count = 1; count <= 100; count += 1) {
    const grid = tileGrid({ ...room, count });
    expect(grid && grid.columns * grid.rows >= count, `${count}`).toBe(true);
  }
  expect(tileGrid({ ...room, count: 101 })).toBeNull();
  expect(fullGrid(room)).toEqual({ columns: 10, rows: 10 });
});

it("finds a square for each of five thousand, and none so large that it looks odd", () => {
  for (const count of [1, 7, 84, 501, 5000]) {
    const { columns, size } = squares(count, 1200, 880, 100);
    expect(columns * size, `${count}`).toBeLessThanOrEqual(1200);
    expect(Math.ceil(count / columns) * size, `${count}`).toBeLessThanOrEqual(880);
  }
  expect(squares(5000, 1200, 880, 100).size).toBeGreaterThan(13);
  expect(squares(3, 1200, 880, 100)).toEqual({ columns: 3, size: 100 });
  expect(squares(0, 1200, 880, 100).size).toBe(0);
});
