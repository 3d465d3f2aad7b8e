import { expect, it } from "vitest";
import { GROUPS, kept, parseKinds, toggled } from "./event-kinds";

const all = parseKinds(undefined);

it("begins with all, narrows to one, and comes back to all", () => {
  expect(all.size).toBe(GROUPS.length);
  expect(toggled(all, "alert")).toBe("alert");
  expect(toggled(parseKinds("alert"), "state")).toBe("state,alert");
  expect(toggled(parseKinds("state,alert"), "state")).toBe("alert");
  expect(toggled(parseKinds("alert"), "alert")).toBeUndefined();
});

it("reads what is odd in the URL as all", () => expect(parseKinds("nonsense,<script>").size).toBe(GROUPS.length));

it("hides what is not asked for, and never what it does not know", () => {
  const items = [{ kind: "reboot" }, { kind: "alert_fired" }, { kind: "something_new" }] as unknown as Parameters<typeof kept>[0];
  expect(kept(items, parseKinds("alert")).map(({ kind }) => kind)).toEqual(["alert_fired", "something_new"]);
});
