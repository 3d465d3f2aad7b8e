import { expect, it } from "vitest";
import { standingOf, standingRank, standingWord } from "./standing";
import type { ConfigRow } from "./types";

const ref = (name: string) => ({ id: `id-${name}`, name });
const row: ConfigRow = {
  device: ref("core-1"), tenant: ref("Alpine"), site: ref("Depot"), platform: "ios", version: "cfg_1", first_at: null,
  last_at: "2026-01-01T00:00:00Z", lines: 10, versions: 1, failing: null, host_key_changed: false,
};
const failing = { cause: "login", since: "2026-01-01T00:00:00Z" };

it("tells a changed key before the failure that it makes", () => {
  expect(standingOf(row)).toBe("fine");
  expect(standingOf({ ...row, failing })).toBe("failing");
  expect(standingOf({ ...row, failing, host_key_changed: true })).toBe("key");
  expect(standingOf({ ...row, version: null })).toBe("never");
  expect(standingWord({ ...row, failing })).toEqual({ word: "Failing", cause: "Login refused" });
  expect(standingRank({ ...row, failing })).toBeLessThan(standingRank(row));
});
