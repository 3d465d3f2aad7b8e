import { expect, it } from "vitest";
import type { ScanHost } from "../../lib/types";
import { adoption, isAllAdopted, isPicked, isShown, matches, NOTHING_SAID, outcomesOf, withName, withPick } from "./proposals";
import { whyNot } from "./scan-words";

function host(address: string, more: Partial<ScanHost> = {}, works = true): ScanHost {
  return {
    address, echo: { rtt_ms: 1 }, name: "core-1", descr: null, object_id: null, kind: "MikroTik", proposed_name: `router-${address}`,
    proposed_tags: [], device: null, duplicate_of: null,
    snmp: { works, profile: works ? { id: "crd_1", name: "usual" } : null, version: works ? "v2c" : null, cause: works ? null : "timeout", advice: works ? null : "no answer; check the community" },
    ...more,
  };
}
const NEW = host("10.0.0.1");
const SILENT = host("10.0.0.2", {}, false);
const WATCHED = host("10.0.0.3", { device: "dev_1" });
const SAME = host("10.0.0.4", { duplicate_of: "10.0.0.1" });
const ALL = [NEW, SILENT, WATCHED, SAME];

it("picks what answers and is new, until somebody says otherwise", () => {
  expect(ALL.filter((one) => isPicked(one, NOTHING_SAID))).toEqual([NEW]);
  const said = withPick(NOTHING_SAID, ["10.0.0.1"], false);
  expect(ALL.filter((one) => isPicked(one, withPick(said, ["10.0.0.2", "10.0.0.3", "10.0.0.4"], true)))).toEqual([SILENT, SAME]);
});

it("is through once what it would pick is watched, whatever else answers at a second address", () => {
  expect(isAllAdopted(ALL)).toBe(false);
  expect(isAllAdopted([SILENT, WATCHED, SAME])).toBe(true);
  expect(isAllAdopted([SILENT, SAME])).toBe(false);
});

it("sends a name only where it was changed", () => {
  expect(adoption(ALL, NOTHING_SAID)).toEqual([{ address: "10.0.0.1" }]);
  expect(adoption(ALL, withName(NOTHING_SAID, "10.0.0.1", " edge "))).toEqual([{ address: "10.0.0.1", name: "edge" }]);
  for (const same of ["  ", "router-10.0.0.1"]) {
    expect(adoption(ALL, withName(NOTHING_SAID, "10.0.0.1", same))).toEqual([{ address: "10.0.0.1" }]);
  }
});

it("shows and finds", () => {
  const shown = (show: Parameters<typeof isShown>[1]) => ALL.filter((one) => isShown(one, show)).map(({ address }) => address.at(-1)).join("");
  expect([shown("new"), shown("silent"), shown("watched"), shown("all")]).toEqual(["14", "2", "3", "1234"]);
  expect(matches(NEW, "mikro 10.0.0.1")).toBe(true);
  expect(matches(NEW, "cisco")).toBe(false);
});

it("keeps the last word on an address", () => {
  const one = { address: "10.0.0.1", device: null, name: null, code: "quota", detail: "The quota is full." };
  const first = outcomesOf(new Map(), { devices: 0, outcomes: [one] });
  const then = outcomesOf(first, { devices: 1, outcomes: [{ ...one, device: "dev_9", code: null, detail: null }] });
  expect(then.get("10.0.0.1")?.device).toBe("dev_9");
});

it("says why nothing works, and nothing where it does", () => {
  expect(whyNot(NEW)).toBe(null);
  expect(whyNot(SILENT)).toContain("Check the community.");
});
