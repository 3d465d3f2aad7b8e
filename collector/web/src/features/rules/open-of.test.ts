import { expect, it } from "vitest";
import type { Alert } from "../../lib/types";
import { changeWords, openOf } from "./open-of";

const alert = (rule: string, phase: Alert["phase"]) => ({ rule: { id: rule, name: rule }, phase }) as Alert;

it("counts what is open of a rule, and says what a change does to it", () => {
  const alerts = [alert("a", "firing"), alert("a", "pending"), alert("a", "resolved"), alert("b", "firing")];
  expect(["a", "b", "c"].map((rule) => openOf(alerts, rule))).toEqual([2, 1, 0]);
  expect(changeWords(0)).toBeNull();
  expect(changeWords(1)).toContain("Saving resolves 1 open alert of this rule");
  expect(changeWords(3)).toContain("Saving resolves 3 open alerts of this rule");
  expect(changeWords(null)).toContain("the open alerts");
});
