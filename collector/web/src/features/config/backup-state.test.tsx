import { expect, it } from "vitest";
import { toldOf } from "./backup-state";

const fine = { effective: { enabled: true, why: "policy" }, failing: null, other_key: null, fetched_at: "2026-01-01T00:00:00Z", port: 12_222 } as const;
const failing = { cause: "login", advice: null, since: "2026-01-02T00:00:00Z" };

it("tells what matters most", () => {
  expect(toldOf(fine)).toEqual({ state: "up", word: "Backed up", note: null });
  expect(toldOf({ ...fine, fetched_at: null })).toMatchObject({ state: "unknown", word: "Not fetched yet" });
  expect(toldOf({ ...fine, failing })).toEqual({ state: "degraded", word: "Failing: login refused", note: "Check the user, its password or its key." });
  expect(toldOf({ ...fine, failing: { ...failing, cause: "port_closed" } }).word).toBe("Failing: port 12222 closed");
  expect(toldOf({ ...fine, failing, other_key: "SHA256:x" })).toMatchObject({ state: "down", word: "Host key changed" });
});

it("says why a device is not backed up", () => {
  expect(toldOf({ ...fine, effective: { enabled: false, why: "no_login" } })).toMatchObject({ word: "Not backed up", note: expect.stringContaining("No login by SSH") });
  expect(toldOf({ ...fine, effective: { enabled: false, why: "agent_too_old" } }).note).toContain("update it");
});
