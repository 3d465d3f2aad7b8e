import { describe, expect, it } from "vitest";
import type { Alert } from "../../lib/types";
import { ordered, severityOf, sinceOf, standingOf, summaryOf } from "./standing";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const at = (minutesAgo: number) => new Date(NOW - minutesAgo * 60_000).toISOString();
const ACK = { at: at(1), by: "noc@farwatch.example", note: null };
const alert = (id: string, more: Partial<Alert> = {}): Alert =>
  ({ id, phase: "firing", severity: "warning", ack: null, silenced_until: null, began_at: at(10), fired_at: at(8), ...more }) as Alert;

describe("standingOf", () => {
  it.each([
    ["firing", {}],
    ["pending", { phase: "pending", fired_at: null }],
    ["acknowledged", { ack: ACK }],
    ["silenced", { ack: ACK, silenced_until: at(-5) }],
    ["firing", { silenced_until: at(5) }],
    ["resolved", { phase: "resolved", ack: ACK, silenced_until: at(-5) }],
  ] as const)("is %s", (standing, more) => expect(standingOf(alert("a", more as Partial<Alert>), NOW)).toBe(standing));

  it("takes a severity it does not know for the least", () => {
    expect(severityOf({ severity: "apocalypse" })).toBe("info");
  });
});

it("is wrong since it began, also when it fires", () => {
  expect(sinceOf(alert("a"))).toBe(at(10));
});

it("names an agent once", () => {
  const words = (summary: string) => summaryOf({ summary });
  expect(words("agent agent-bern is offline: it was stopped")).toBe("agent-bern is offline: it was stopped");
  expect(words("the clock of agent agent-bern is wrong")).toBe("the clock of agent-bern is wrong");
  expect(words("agent depot is offline")).toBe("agent depot is offline");
});

describe("ordered", () => {
  const rows = [
    alert("old-warning", { began_at: at(50) }),
    alert("acked-critical", { severity: "critical", ack: ACK }),
    alert("new-warning", { began_at: at(2) }),
    alert("critical", { severity: "critical", began_at: at(40) }),
    alert("pending", { phase: "pending", fired_at: null, began_at: at(1) }),
  ];
  const ids = (order: "worst" | "newest") => ordered(rows, order, NOW).map(({ id }) => id);

  it("puts the worst first, and of those what nobody looks after", () => {
    expect(ids("worst")).toEqual(["critical", "acked-critical", "new-warning", "old-warning", "pending"]);
  });

  it("puts the newest first", () => {
    expect(ids("newest")).toEqual(["pending", "new-warning", "acked-critical", "critical", "old-warning"]);
  });

  it("keeps those of one moment in their places", () => {
    const twins = [alert("b"), alert("a")];
    expect(ordered(twins, "newest", NOW)).toEqual(ordered(twins.toReversed(), "newest", NOW));
  });
});
