import { expect, it } from "vitest";
import { absencesOf, holeWords } from "./why";

const at = (seconds: number) => new Date(seconds * 1000).toISOString();
const link = (seconds: number, event: string, reason: string | null = null) => ({ at: at(seconds), event, reason });
const words = (from: number, to: number, ...newestFirst: ReturnType<typeof link>[]) =>
  holeWords({ at: (from + to) / 2, from, to, isFirst: from === 0 }, { absences: absencesOf(newestFirst), bornS: 500, clock: (ms) => String(ms / 1000) });

it("knows when an agent had no session, but for a change of it", () => {
  expect(absencesOf([
    link(400, "ended", "closed"), link(205, "opened"), link(200, "ended", "closed"), link(150, "moved"), link(130, "opened"), link(131, "ended", "replaced"), link(100, "opened"), link(95, "ended", "stopped"), link(60, "opened"), link(40, "ended", "stopped"),
  ])).toEqual([{ from: 400, to: null, what: "the agent was away" }, { from: 95, to: 100, what: "the agent was stopped" }, { from: 40, to: 60, what: "the agent was stopped" }]);
});

it("tells of a hole what is known of it", () => {
  const away = [link(700, "opened"), link(640, "ended", "closed")];
  expect(words(610, 705, ...away)).toBe("no value: the agent was away 640 – 700");
  expect(words(610, 705, link(700, "opened"), link(640, "ended", "stopped"))).toBe("no value: the agent was stopped 640 – 700");
  expect(words(610, 705, link(700, "opened"), link(640, "ended", "collector_ended"))).toBe("no value: the collector was away 640 – 700");
  expect(words(610, 800, link(640, "ended", "closed"))).toBe("no value: the agent was away since 640");
  // Before it went, and after it was back.
  expect([words(510, 600, ...away), words(710, 790, ...away), words(710, 900)]).toEqual(Array.from({ length: 3 }, () => "no value, and nothing says why"));
  expect([words(0, 600), words(0, 1200)]).toEqual(["no value: it was not watched yet", "no value, and nothing says why"]);
});
