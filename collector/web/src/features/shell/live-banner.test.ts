import { expect, it } from "vitest";
import { lastChange } from "./live-banner";

it("tells the age of the newest change and the time of the server", () => {
  const now = Date.parse("2026-11-21T12:00:30Z");
  expect(lastChange(null, now)).toBe("Server time 2026-11-21 12:00:30 UTC");
  expect(lastChange(now - 7000, now)).toMatch(/^Last change 7 ?s ago · Server time 2026-11-21 12:00:30 UTC$/);
});
