import { expect, it } from "vitest";
import { REFRESH_MS } from "../../lib/use-refresh";
import { paceOf } from "./queries";

it("looks at what is under way soon, and at what may wait for days as seldom as at the rest", () => {
  expect(paceOf({ state: "running", waits: null })).toBeLessThan(REFRESH_MS);
  expect(paceOf({ state: "queued", waits: null })).toBeLessThan(REFRESH_MS);
  expect(paceOf({ state: "queued", waits: "agent_offline" })).toBe(REFRESH_MS);
  expect(paceOf({ state: "done", waits: null })).toBe(REFRESH_MS);
  expect(paceOf(null)).toBe(REFRESH_MS);
});
