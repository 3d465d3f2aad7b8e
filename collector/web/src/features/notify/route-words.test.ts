import { expect, it } from "vitest";
import { isNobodyTold, placeWords, sentenceHead, sentenceTail, toldOf } from "./route-words";
import type { Channel, Route, Severity } from "./types";

const NAMES: Readonly<Record<string, string>> = { s1: "Summit", s2: "Depot", s3: "Ridge 10", s4: "Ridge 9" };
const siteName = (id: string) => NAMES[id] ?? "?";

it("reads as a sentence", () => {
  expect(sentenceHead({ severity: "critical", sites: [], tags: [] }, siteName)).toBe("Critical alerts go to");
  expect(sentenceHead({ severity: "warning", sites: ["s1", "s2"], tags: [] }, siteName)).toBe("Alerts of warning or worse at Depot or Summit go to");
  expect(sentenceHead({ severity: "info", sites: ["s1"], tags: ["core", "edge"] }, siteName))
    .toBe("All alerts of devices tagged «core» or «edge» at Summit go to");
  expect(sentenceTail({ on_resolved: true })).toBe(", and again when they are resolved.");
  expect(sentenceTail({ on_resolved: false })).toBe(", not when they are resolved.");
});

it("names three sites in the order people count, and more by their number", () => {
  expect(placeWords({ sites: ["s3", "s4", "s2"], tags: [] }, siteName)).toBe(" at Depot, Ridge 9 or Ridge 10");
  expect(placeWords({ sites: ["s1", "s2", "s3", "s4"], tags: [] }, siteName)).toBe(" at one of 4 sites");
});

const channel = (id: string, enabled = true) => ({ id, name: id, enabled }) as Channel;
const route = (to: string, severity: Severity, scope: Partial<Route> = {}) =>
  ({ channel: { id: to, name: to }, severity, sites: [], tags: [], ...scope }) as Route;

it("tells who is told of what", () => {
  const channels = [channel("b"), channel("a"), channel("off", false)];
  const routes = [route("a", "critical"), route("b", "warning", { tags: ["core"] }), route("off", "info")];
  const told = (severity: Severity) => toldOf(severity, channels, routes).map(({ channel: { id }, parts }) => [id, parts !== null]);
  expect(told("critical")).toEqual([["a", false], ["b", true]]);
  expect(told("warning")).toEqual([["b", true]]);
  expect(told("info")).toEqual([]);
});

it("counts a channel as told whole if one of its routes has no bounds", () => {
  const routes = [route("a", "critical"), route("a", "info", { sites: ["s1"] })];
  expect(toldOf("critical", [channel("a")], routes)).toMatchObject([{ parts: null }]);
  expect(toldOf("info", [channel("a")], routes)).toMatchObject([{ parts: [{ sites: ["s1"] }] }]);
});

it("sees that nobody is told: no route, or none to a channel that is on", () => {
  expect(isNobodyTold([channel("a")], [])).toBe(true);
  expect(isNobodyTold([channel("a", false)], [route("a", "info")])).toBe(true);
  expect(isNobodyTold([channel("a")], [route("a", "info")])).toBe(false);
});
