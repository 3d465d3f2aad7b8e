import { expect, it } from "vitest";
import { REFRESH_MS } from "../../lib/use-refresh";
import { paceOf, paceOfBackup } from "./queries";

it("looks at what is under way soon, and at what may wait for days as seldom as at the rest", () => {
  expect(paceOf({ state: "running", waits: null })).toBeLessThan(REFRESH_MS);
  expect(paceOf({ state: "queued", waits: null })).toBeLessThan(REFRESH_MS);
  expect(paceOf({ state: "queued", waits: "agent_offline" })).toBe(REFRESH_MS);
  expect(paceOf({ state: "done", waits: null })).toBe(REFRESH_MS);
  expect(paceOf(null)).toBe(REFRESH_MS);
});

it("looks soon at what was just set, and at a device that was never fetched while the page is new", () => {
  const backup = (more: object) => ({ effective: { enabled: true, why: "policy" }, login: { from: "device" }, job: null, ...more }) as unknown as Parameters<typeof paceOfBackup>[0];
  const done = { state: "done", waits: null };
  expect(paceOfBackup(backup({}), 0, 995_000, 1_000_000)).toBeLessThan(REFRESH_MS);
  expect(paceOfBackup(backup({ job: done }), 995_000, 0, 1_000_000)).toBeLessThan(REFRESH_MS);
  expect(paceOfBackup(backup({}), 0, 0, 1_000_000)).toBe(REFRESH_MS);
  expect(paceOfBackup(backup({ login: null }), 995_000, 995_000, 1_000_000)).toBe(REFRESH_MS);
  expect(paceOfBackup(undefined, 0, 995_000, 1_000_000)).toBe(REFRESH_MS);
});
