import { expect, it } from "vitest";
import type { AuditRow } from "../../lib/types";
import { actorName, changedWords, changes, told } from "./words";

const row = (action: string, name: string, more: Partial<AuditRow> = {}): AuditRow => ({
  tenant: null, seq: 1, at: "2026-11-21T10:00:00Z", actor: { kind: "user", id: "usr_1", name: "noc@x" },
  address: null, action, object: { kind: action.split(".")[0] ?? "", id: "id_2", name },
  before: null, after: null, request_id: null, ...more,
});

it("tells an action in words, with what it was done to", () => {
  expect(told(row("device.change", "r1"))).toEqual({ did: "changed device", name: "r1" });
  expect(told(row("device.create", "r1"))).toEqual({ did: "added device", name: "r1" });
  expect(told(row("member.update", "a@x"))).toEqual({ did: "changed the role of", name: "a@x" });
  expect(told(row("grant.create", "b@x"))).toEqual({ did: "gave provider access to", name: "b@x" });
  expect(told(row("agent.ping_outcome", "box-1"))).toEqual({ did: "got the answer to its ping of agent", name: "box-1" });
  expect(told(row("screen.create", "Hall"))).toEqual({ did: "made wallboard", name: "Hall" });
  expect(told(row("screen.delete", "Hall"))).toEqual({ did: "removed wallboard", name: "Hall" });
  expect(told(row("token.create", "00ff"))).toEqual({ did: "made an enrolment token", name: null });
});

it("does not name twice who did something to themselves", () => {
  const own = row("user.sign_in", "noc@x", { object: { kind: "user", id: "usr_1", name: "noc@x" } });
  expect(told(own)).toEqual({ did: "signed in", name: null });
  expect(told(row("user.reset_password", "b@x")).name).toBe("b@x");
});

it("still tells an action that it has never heard of", () => {
  expect(told(row("alert_rule.mute_all", "x"))).toEqual({ did: "alert rule mute all", name: "x" });
});

it("says who failed to sign in, if the address is one's", () => {
  const nobody = { kind: "nobody", id: null, name: "" };
  const failed = row("user.sign_in_failed", "b@x", { actor: nobody });
  expect(actorName(failed)).toBe("b@x");
  expect(actorName({ ...failed, object: { kind: "user", id: null, name: "unknown" } })).toBe("Unknown account");
  const asked = { ...failed, action: "user.totp_asked" };
  expect([actorName(asked), told(asked)]).toEqual(["b@x", { did: "gave the password, was asked for a second factor", name: null }]);
});

it("lays fields beside each other, also where one side lacks them", () => {
  const before = { name: "r1", tags: [] };
  const after = { name: "r2", tags: ["core", "edge"], site: { id: "sit_1", name: "Depot" }, on: true };
  expect(changes({ before, after })).toEqual([
    { field: "name", before: "r1", after: "r2" },
    { field: "tags", before: "none", after: "core, edge" },
    { field: "site", before: null, after: "Depot" },
    { field: "on", before: null, after: "yes" },
  ]);
});

it("tells in the row what a change changed, and of many the first", () => {
  const words = (before: unknown, after: unknown) => changedWords({ before, after });
  expect(words({ name: "r1", on: true }, { name: "r2", on: true })).toBe("name r1 → r2");
  expect(words({ interval_s: 60 }, { interval_s: 120 })).toBe("interval 60 s → 120 s");
  expect(words({ a: 1, b: 1, c: 1, d: 1, e: 1 }, { a: 2, b: 2, c: 2, d: 2, e: 2 })).toBe("a 1 → 2; b 1 → 2; c 1 → 2; 2 more");
  expect([words(null, { name: "r1" }), words({ name: "r1" }, { name: "r1" })]).toEqual([null, null]);
});
