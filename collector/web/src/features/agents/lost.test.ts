import { expect, it, vi } from "vitest";
import { lostSince, PAGES_MAX } from "./lost";

const gap = (to: number, count: number) => ({ to: new Date(to).toISOString(), count });

it("counts what is of the time, to the end of the list", async () => {
  const pages = [{ data: [gap(10, 5), gap(100, 7)], meta: { next_cursor: "b" } }, { data: [gap(200, 0)], meta: { next_cursor: null } }] as const;
  const page = vi.fn(async (cursor: string | undefined) => pages[cursor === undefined ? 0 : 1]);
  expect(await lostSince(100, page)).toEqual({ gaps: 2, samples: 7, isCut: false });
  expect(page.mock.calls).toEqual([[undefined], ["b"]]);
});

it("gives up at its bound, and says so", async () => {
  const page = vi.fn(async () => ({ data: [gap(10, 5)], meta: { next_cursor: "on" } }));
  expect(await lostSince(100, page)).toEqual({ gaps: 0, samples: 0, isCut: true });
  expect(page).toHaveBeenCalledTimes(PAGES_MAX);
});
