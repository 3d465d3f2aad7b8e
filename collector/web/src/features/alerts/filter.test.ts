import { expect, it } from "vitest";
import type { Alert } from "../../lib/types";
import { chosen, heldRows, isAbout, matches, tally, waiting } from "./filter";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const SOON = "2026-11-22T13:00:00Z";
const ref = (name: string) => ({ id: name, name });
const alert = (id: string, more: Partial<Alert> = {}): Alert => ({
  id, phase: "firing", severity: "warning", ack: null, silenced_until: null, object: "", summary: "it is wrong",
  rule: ref("Packet loss"), site: ref("Depot"), agent: ref("box-1"), device: ref("edge-1"), tenant: ref("Alpine Fibre"), ...more,
}) as Alert;

const ROWS = [
  alert("a"),
  alert("b", { severity: "critical" }),
  alert("c", { severity: "critical", ack: { at: SOON, by: "noc@farwatch.example", note: "cable" } }),
  alert("d", { phase: "pending" }),
  alert("e", { silenced_until: SOON }),
  alert("f", { phase: "resolved" }),
];
const OPEN = { severity: undefined, standing: undefined, query: "" };
const ids = (rows: readonly Alert[]) => rows.map(({ id }) => id).join("");

it("shows what is open, of one severity or one state", () => {
  expect(ids(chosen(ROWS, OPEN, NOW))).toBe("abcde");
  expect(ids(chosen(ROWS, { ...OPEN, severity: "critical" }, NOW))).toBe("bc");
  expect(ids(chosen(ROWS, { ...OPEN, standing: "silenced" }, NOW))).toBe("e");
  expect(ids(chosen(ROWS, { ...OPEN, standing: "resolved" }, NOW))).toBe("f");
});

it("counts each choice within the other", () => {
  expect(tally(ROWS, OPEN, NOW)).toEqual({
    severity: { critical: 2, warning: 3, info: 0 },
    standing: { firing: 2, pending: 1, acknowledged: 1, silenced: 1, resolved: 1 },
  });
  expect(tally(ROWS, { ...OPEN, severity: "critical" }, NOW).standing).toMatchObject({ firing: 1, acknowledged: 1, pending: 0 });
  expect(tally(ROWS, { ...OPEN, standing: "pending" }, NOW).severity).toEqual({ critical: 0, warning: 1, info: 0 });
});

it("finds by words of the names, of the state and of the note", () => {
  const row = ROWS[2] as Alert;
  const found = ["EDGE alpine", "cable", "acknowledged critical", "edge-1.depot"]
    .filter((query) => matches(row, "edge-1.depot.alpine-fibre", query, NOW));
  expect(found).toHaveLength(4);
  expect(matches(row, "edge-1", "edge firing", NOW)).toBe(false);
});

it("finds a part by its name and by its key", () => {
  const row = alert("m", { object: "memory:1", object_name: "Physical memory" });
  expect(["physical", "memory:1"].map((query) => matches(row, "edge-1", query, NOW))).toEqual([true, true]);
});

it("holds rows under the hand until something else is chosen", () => {
  const kept = { key: "all", ids: ["a", "b"] };
  const fresh = { key: "all", ids: ["c", "b", "d"] };
  expect(heldRows(kept, fresh, true)).toBe(kept);
  expect(waiting(kept, fresh)).toBe(2);
  expect(heldRows(kept, fresh, false)).toBe(fresh);
  expect(waiting(fresh, fresh)).toBe(0);
  const other = { key: "critical", ids: ["c"] };
  expect(heldRows(kept, other, true)).toBe(other);
  expect(heldRows({ key: "all", ids: [] }, fresh, true)).toBe(fresh);
});

it("tells what is of one rule, device or agent by its id, whatever else is called so", () => {
  const row = alert("a", { rule: { id: "rul_1", name: "Device down" }, device: { id: "dev_1", name: "core1" }, agent: { id: "agt_1", name: "box" } });
  expect(isAbout(row, {})).toBe(true);
  expect(isAbout(row, { rule: "rul_1", device: "dev_1", agent: "agt_1" })).toBe(true);
  expect([isAbout(row, { rule: "rul_2" }), isAbout(row, { device: "dev_10" }), isAbout(row, { agent: "agt_2" })]).toEqual([false, false, false]);
  expect(isAbout({ ...row, device: null }, { device: "dev_1" })).toBe(false);
});
