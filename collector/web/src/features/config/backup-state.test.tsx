import { expect, it } from "vitest";
import { toldOf } from "./backup-state";
import type { Job } from "./types";

const fine = { effective: { enabled: true, why: "policy" }, failing: null, other_key: null, fetched_at: "2026-01-01T00:00:00Z", port: 12_222, job: null } as const;
const failing = { cause: "login", advice: null, since: "2026-01-02T00:00:00Z" };

it("tells what matters most", () => {
  expect(toldOf(fine)).toEqual({ state: "up", word: "Backed up", note: null });
  expect(toldOf({ ...fine, fetched_at: null })).toMatchObject({ state: "unknown", word: "Not fetched yet" });
  expect(toldOf({ ...fine, failing })).toEqual({ state: "degraded", word: "Failing: login refused", note: "Check the user, its password or its key." });
  expect(toldOf({ ...fine, failing, other_key: "SHA256:x" })).toMatchObject({ state: "down", word: "Host key changed" });
});

it("names the port that is closed where that one was tried, and none that was only set", () => {
  const closed = { ...fine, failing: { ...failing, cause: "port_closed" } };
  const job = (state: Job["state"], cause: string | null) => ({ state, cause }) as Job;
  expect(toldOf({ ...closed, job: job("failed", "port_closed") }).word).toBe("Failing: port 12222 closed");
  for (const other of [job("queued", null), job("running", null), job("failed", "withdrawn"), null]) {
    expect(toldOf({ ...closed, job: other }).word).toBe("Failing: port closed");
  }
  // Nothing is tried while it is off.
  expect(toldOf({ ...closed, job: job("failed", "port_closed"), effective: { enabled: false, why: "device" } }).word).toBe("Failing: port closed");
});

it("says why a device is not backed up", () => {
  expect(toldOf({ ...fine, effective: { enabled: false, why: "no_login" } })).toMatchObject({ word: "Not backed up", note: expect.stringContaining("No login by SSH") });
  expect(toldOf({ ...fine, effective: { enabled: false, why: "agent_too_old" } }).note).toContain("update it");
});
