import { expect, it } from "vitest";
import { ApiError } from "../../lib/api";
import type { Device } from "../../lib/types";
import { NEW_DRAFT } from "../credentials/snmp-draft";
import { changeOf, deviceCount, linesOf, STAYING, tenantOf, wrongIn } from "./bulk";

const nothing = { interval: "", add: [], remove: [], agent: "", credential: "stay", draft: { ...NEW_DRAFT, community: "left in the field" }, manner: STAYING } as const;

it("sends only what is to change", () => {
  expect(changeOf(nothing)).toEqual({});
  expect(changeOf({ ...nothing, interval: "30", add: ["core"] })).toEqual({ interval_s: 30, add_tags: ["core"] });
  expect(changeOf({ ...nothing, agent: "agt_1" })).toEqual({ agent: "agt_1" });
});

it("takes a credential away by null, and leaves it alone by nothing", () => {
  expect(changeOf({ ...nothing, credential: "profile" })).toEqual({ community: null });
  expect(changeOf({ ...nothing, credential: "own", draft: { ...NEW_DRAFT, community: "s3cret" } })).toEqual({ snmp: { version: "v2c", community: "s3cret" } });
});

it("says what will be done, and never the secret", () => {
  const lines = linesOf({ interval_s: 30, add_tags: ["a", "b"], remove_tags: ["c"], agent: "agt_1", snmp: { version: "v3", user: { name: "ops", auth_password: "s3cret" } } }, "vm-2");
  expect(lines).toHaveLength(5);
  expect(lines.join()).toContain("Moved to vm-2");
  expect(lines.join()).toContain("new user, ops, in place");
  expect(lines.join()).not.toContain("s3cret");
  expect([deviceCount(1), deviceCount(3)]).toEqual(["1 device", "3 devices"]);
});

it("finds the tenant of the marked devices, where it is one", () => {
  const tenants: Record<string, string> = { dev_1: "North", dev_2: "North", dev_3: "South" };
  const device = (id: string) => ({ tenant: { id: tenants[id], name: "" } }) as unknown as Device;
  expect(tenantOf(["dev_1", "dev_2"], device)).toBe("North");
  expect(tenantOf(["dev_1", "dev_3"], device)).toBe("");
  expect(tenantOf(["dev_1", "dev_4"], (id) => (id === "dev_1" ? device(id) : undefined))).toBe("");
});

it("tells what is wrong by the names that the fields have in the form", () => {
  const errors = [{ field: "change.agent", message: "names nothing that is here" }, { field: "ids", message: "too many" }];
  expect(wrongIn(new ApiError({ errors }, 404, null))).toEqual({ agent: "names nothing that is here" });
});

it("changes how they are asked, each part alone", () => {
  expect(changeOf({ ...nothing, manner: { ...STAYING, ping: "off" } })).toEqual({ ping: false });
  expect(changeOf({ ...nothing, manner: { ping: "", strict: "on", gap: "0" } })).toEqual({ strict_source: true, request_gap_ms: 0 });
  expect(linesOf({ ping: false, strict_source: true, request_gap_ms: 20 }, "")).toEqual([
    "No echo requests are sent", "Replies from other addresses are refused", "20 ms delay between requests",
  ]);
  expect(linesOf({ request_gap_ms: 0 }, "")).toEqual(["No delay between requests"]);
});
