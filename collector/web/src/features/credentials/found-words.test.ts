import { expect, it } from "vitest";
import type { Found } from "../../lib/types";
import { closerWords, echoWords, leftOutWords, noneWorks, type Outcome, outcomeName, outcomeWords } from "./found-words";

const outcome: Outcome = {
  credential: null, profile: { id: "crd_1", name: "Core switches", site: null, tag: null }, in_force: true, instead: null, version: "v3", ok: false, cause: "unknown_user", advice: "Make it there.",
  rtt_ms: 3.1, sys_name: null, sys_descr: null, sys_object_id: null, address: null,
};
const works: Outcome = { ...outcome, ok: true, cause: null, advice: null, sys_name: "core-1", sys_descr: "RouterOS CCR2004" };
const ping = { ok: true, cause: null, sent: 3, received: 3, loss_percent: 0, rtt_ms: 2.2, jitter_ms: 0.1, address: null };
const found = (outcomes: Outcome[], more: Partial<Found> = {}): Found => ({ outcomes, candidates: outcomes.length, not_tried: 0, left_out: [], ping, ...more });

it("names each credential and what became of it", () => {
  expect(outcomeName(outcome)).toBe("Core switches · v3");
  expect(outcomeName({ ...outcome, profile: null, credential: 0, version: "v1" })).toBe("What is typed above · v1");
  expect(outcomeWords(outcome)).toBe("Unknown user. Make it there.");
  expect(outcomeWords({ ...outcome, cause: null, advice: null })).toBe("No answer that can be used.");
  expect(outcomeWords(works)).toBe("core-1 · RouterOS CCR2004 · 3.10 ms");
  expect(outcomeWords({ ...works, address: "2001:db8::7" })).toBe("core-1 · RouterOS CCR2004 · at 2001:db8::7 · 3.10 ms");
});

it("says what to do where none works", () => {
  expect(noneWorks(found([outcome, works]))).toBeNull();
  expect(noneWorks(found([], { candidates: 0 }))).toContain("nothing to try");
  expect(noneWorks(found([outcome], { candidates: 5, not_tried: 4 }))).toContain("4 more were not tried to their end");
  expect(noneWorks(found([outcome], { candidates: 2, not_tried: 1 }))).toContain("1 more was not tried to its end");
  expect(noneWorks(found([outcome]))).toContain("answers over SNMP");
  const silent: Outcome = { ...outcome, cause: "timeout" };
  expect(noneWorks(found([silent]))).toContain("SNMP service");
  expect(noneWorks(found([silent], { ping: null }))).toContain("check the address");
});

it("tells what the echo told, which is all there is of a device without a credential", () => {
  expect(echoWords(found([]))).toBe("It answers echo requests in 2.20 ms.");
  expect(echoWords(found([], { ping: { ...ping, received: 0, loss_percent: 100, rtt_ms: null } }))).toBe("It does not answer echo requests.");
  expect(echoWords(found([], { ping: null }))).toBeNull();
});

it("says of one that works and would not be in force which one would be", () => {
  expect(closerWords(works)).toBeNull();
  const hidden: Outcome = { ...works, in_force: false, instead: { id: "crd_2", name: "Depot" } };
  expect(closerWords(hidden)).toContain("«Depot» is closer");
  expect(closerWords({ ...hidden, ok: false })).toBeNull();
});

it("tells which profiles were not tried, and why", () => {
  const left = (name: string, reason: "damaged" | "too_many") => ({ profile: { id: name, name }, reason });
  expect(leftOutWords(found([works]))).toEqual([]);
  const many = ["b", "c", "d", "e", "f", "g", "h"].map((name) => left(name, "too_many"));
  const [damaged, rest] = leftOutWords(found([works], { candidates: 32, left_out: [left("a", "damaged"), ...many] }));
  expect(damaged).toContain("cannot be read: «a»");
  expect(rest).toContain("32 at most: «b», «c», «d», «e», «f» and 2 more");
});
