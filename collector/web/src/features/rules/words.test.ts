import { describe, expect, it } from "vitest";
import type { RuleCondition, RuleMetric } from "../../lib/types";
import { figure, unitSign } from "./units";
import { metricTitle, metricsBy, NO_METRICS, ruleSentence, scopeWords, timeWords, wholeSentence, wrongWords } from "./words";

const METRICS = metricsBy([
  { name: "cpu_percent", title: "processor load", unit: "percent", about: "device", words: "load of the device" },
  { name: "if_in_bps", title: "traffic in", unit: "bits_per_second", about: "object", words: "traffic into an interface" },
] satisfies RuleMetric[]);
const CPU: RuleCondition = { kind: "metric", name: "cpu_percent", object: "*", is: "above", limit: 90, clear: 80 };

describe("wrongWords", () => {
  it.each<[RuleCondition, string]>([
    [CPU, "Load of the device: 90 % or above"],
    [{ kind: "metric", name: "if_in_bps", object: "if:1", is: "below", limit: 2_000_000 }, "Traffic into an interface (if:1): 2 Mb/s or below"],
    [{ kind: "device_state", states: ["degraded", "down"] }, "A device is down or degraded"],
    [{ kind: "device_state", states: ["down"] }, "A device is down"],
    [{ kind: "agent_state" }, "An agent is offline"],
    [{ kind: "interface_state", object: "*" }, "An interface that was up is down"],
    [{ kind: "absence", name: "cpu_percent" }, "No value any more: load of the device"],
  ])("tells %o", (condition, words) => expect(wrongWords(condition, METRICS)).toBe(words));

  it("says the name of a metric that it does not know", () => {
    expect(wrongWords(CPU, NO_METRICS)).toBe("Cpu percent: 90 or above");
  });
});

it("has a short title for a list, and the name until that is known", () => {
  expect(metricTitle("cpu_percent", METRICS)).toBe("Processor load");
  expect(metricTitle("cpu_percent", NO_METRICS)).toBe("Cpu percent");
});

it("tells a rule in one sentence, with when it is over", () => {
  expect(ruleSentence({ condition: CPU, for_s: 600, resolve_after_s: 300 }, METRICS))
    .toBe("Load of the device: 90 % or above, for 10 min. It is over when it is at 80 % or below for 5 min.");
  expect(ruleSentence({ condition: { ...CPU, clear: null }, for_s: 0, resolve_after_s: 0 }, METRICS))
    .toBe("Load of the device: 90 % or above, with the first reading. It is over when it is below 90 %.");
  expect(ruleSentence({ condition: { kind: "agent_state" }, for_s: 90, resolve_after_s: 60 }, METRICS))
    .toBe("An agent is offline, for 90 s. It is over when it is well again for 1 min.");
  expect(wholeSentence({ condition: { kind: "agent_state" }, for_s: 90, resolve_after_s: 60, scope: { sites: ["sit_1"], tags: [], kinds: [] } }, METRICS, () => "Depot"))
    .toBe("An agent is offline, for 90 s. It is over when it is well again for 1 min. It looks at all agents of Depot.");
  expect(timeWords({ for_s: 0, resolve_after_s: 3600 })).toBe("at once, over after 1 h");
});

it("tells what a rule is for, sites without a name too", () => {
  const name = (id: string) => (id === "sit_1" ? "Depot" : undefined);
  expect(scopeWords({ sites: [], tags: [], kinds: [] }, "metric", name)).toBe("all devices");
  expect(scopeWords({ sites: ["sit_1", "sit_2"], tags: ["core", "edge"], kinds: [] }, "metric", name)).toBe("devices tagged core or edge of Depot, 1 other site");
  expect(scopeWords({ sites: [], tags: ["core"], kinds: ["RouterOS*", "*IOS*"] }, "metric", name)).toBe("devices that are RouterOS* or *IOS* tagged core");
  expect(scopeWords({ sites: ["sit_2"], tags: [], kinds: [] }, "agent_state", name)).toBe("all agents of 1 site");
});

it("reads values in their units", () => {
  expect([figure(97.46, "percent"), figure(0.42, "ratio"), figure(120e6, "bits_per_second"), figure(null, "percent")])
    .toEqual(["97.5 %", "0.42", "120 Mb/s", "–"]);
  expect([figure(7200, "seconds"), figure(5, "seconds"), figure(32_414_403, "seconds")]).toEqual(["2 h", "5 s", "375 d"]);
  expect(figure(71, "celsius")).toBe("71 °C");
  expect(unitSign("furlongs_per_week")).toBe("furlongs per week");
});

it("tells of a flag what is so, and no number", () => {
  const flags = metricsBy([{ name: "ssh_host_key_changed", title: "SSH host key", unit: "flag", about: "device", words: "1 while it shows another SSH host key than is pinned" }]);
  const condition = { kind: "metric", name: "ssh_host_key_changed", object: "*", is: "above", limit: 1, clear: 0.5 } as const;
  expect(ruleSentence({ condition, for_s: 0, resolve_after_s: 0 }, flags))
    .toBe("It shows another SSH host key than is pinned, with the first reading. It is over when it is so no longer.");
  expect(figure(1, "flag")).toBe("yes");
  expect(figure(0, "flag")).toBe("no");
  // A contact has numbers of its own.
  expect(figure(2, "one")).toBe("2");
});
