import { expect, it } from "vitest";
import { type Former, lostWords, stepsBack } from "./bulk-undo";

const former = (id: string, more: Partial<Former> = {}): Former => ({ id, interval_s: 60, tags: [], agent: "agt_1", ...more });

it("writes back what each was, those of the same together", () => {
  const all = [former("a"), former("b", { interval_s: 30 }), former("c"), former("d", { interval_s: 10 })];
  expect(stepsBack({ interval_s: 10 }, all)).toEqual([
    { ids: ["a", "c"], change: { interval_s: 60 } }, { ids: ["b"], change: { interval_s: 30 } },
  ]);
});

it("takes away only tags that were not there, and gives back only those that were", () => {
  const all = [former("a", { tags: ["core"] }), former("b"), former("c", { tags: ["old", "core"] })];
  expect(stepsBack({ add_tags: ["core", "new"], remove_tags: ["old"] }, all)).toEqual([
    { ids: ["a"], change: { remove_tags: ["new"] } },
    { ids: ["b"], change: { remove_tags: ["core", "new"] } },
    { ids: ["c"], change: { remove_tags: ["new"], add_tags: ["old"] } },
  ]);
});

it("brings back agent and manner where they are known", () => {
  expect(stepsBack({ agent: "agt_2", ping: false, request_gap_ms: 20 }, [former("a", { ping: true, request_gap_ms: 0 }), former("b", { agent: "agt_2" })]))
    .toEqual([{ ids: ["a"], change: { agent: "agt_1", ping: true, request_gap_ms: 0 } }]);
});

it("says what cannot be taken back", () => {
  expect(lostWords({ interval_s: 10 }, 900)).toBeNull();
  expect(lostWords({ community: null }, 1)).toMatch(/credentials/);
  expect(lostWords({ ping: true }, 51)).toMatch(/so many/);
  expect(lostWords({ ping: true }, 50)).toBeNull();
});
