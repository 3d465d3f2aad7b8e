import { expect, it } from "vitest";
import { allowLines, placeOf, placeOfChannel } from "./allow";
import { changeBody, type ChannelDraft, draftOf, draftWrong, NEW_CHANNEL, newBody, receiversOf, refusedPlace } from "./channel-draft";
import type { Channel } from "./types";

const draft = (change: Partial<ChannelDraft>): ChannelDraft => ({ ...NEW_CHANNEL, name: "NOC", ...change });

const BROKER: Channel = {
  id: "chn_1", name: "Bus", tenant: { id: "ten_1", name: "North" }, kind: "mqtt", enabled: true, state: "ok", failing_since: null, failing_told: false, gave_up_at: null,
  waiting: 0, to: [], host: "[2001:db8::1]:8883", keys: 0, last_told_at: null, mqtt: { tls: true, topic: "a/{site}", user: "ops" },
  created_at: "2026-11-21T10:00:00Z", updated_at: "2026-11-21T10:00:00Z",
};

it("takes addresses by lines, commas and spaces, each once", () => {
  expect(receiversOf(" a@x.example,\nb@x.example; a@x.example ")).toEqual(["a@x.example", "b@x.example"]);
});

it("sends of a new channel what is of its kind", () => {
  const all = draft({ to: "a@x.example", url: " https://x.example/s ", host: "mqtt.example.net", user: "u", password: "p", secret: " " });
  expect(newBody({ ...all, kind: "email" }, "ten_1")).toEqual({ tenant: "ten_1", name: "NOC", kind: "email", to: ["a@x.example"] });
  expect(newBody({ ...all, kind: "slack" }, "ten_1")).toEqual({ tenant: "ten_1", name: "NOC", kind: "slack", url: "https://x.example/s" });
  expect(newBody({ ...all, kind: "webhook", secret: "whsec_a" }, "ten_1")).toEqual({
    tenant: "ten_1", name: "NOC", kind: "webhook", url: "https://x.example/s", secret: "whsec_a",
  });
  expect(newBody({ ...all, kind: "webhook" }, "ten_1")).not.toHaveProperty("secret");
  expect(newBody({ ...all, kind: "mqtt" }, "ten_1").mqtt).toEqual({
    host: "mqtt.example.net", port: 8883, tls: true, topic: NEW_CHANNEL.topic, user: "u", password: "p",
  });
});

it("sends of a change only what differs, and no secret that was not typed", () => {
  const was = draftOf(BROKER);
  expect([was.host, was.port, was.password]).toEqual(["2001:db8::1", "8883", ""]);
  expect(changeBody(was, was)).toEqual({});
  expect(changeBody({ ...was, name: "Bus 2", enabled: false }, was)).toEqual({ name: "Bus 2", enabled: false });
  expect(changeBody({ ...was, topic: "b" }, was).mqtt).toEqual({ host: "2001:db8::1", port: 8883, tls: true, topic: "b", user: "ops" });
  expect(changeBody({ ...was, password: "new" }, was).mqtt).toHaveProperty("password", "new");
  expect(changeBody({ ...was, user: "" }, was).mqtt).not.toHaveProperty("user");
  const hook = draftOf({ ...BROKER, kind: "webhook", mqtt: null, host: "hooks.example.com" });
  expect(hook.url).toBe("");
  expect(changeBody(hook, hook)).toEqual({});
  expect(changeBody({ ...hook, url: "https://other.example/" }, hook)).toEqual({ url: "https://other.example/" });
  const mail = draftOf({ ...BROKER, kind: "email", mqtt: null, host: null, to: ["a@x.example", "b@x.example"] });
  expect(changeBody({ ...mail, to: "a@x.example, b@x.example" }, mail)).toEqual({});
  expect(changeBody({ ...mail, to: "b@x.example" }, mail)).toEqual({ to: ["b@x.example"] });
});

it("says what is missing before anything is sent", () => {
  expect(Object.keys(draftWrong(draft({ name: " ", to: "" }), true))).toEqual(["name", "to"]);
  expect(draftWrong(draft({ to: "noc" }), true)["to"]).toBe("«noc» is no address of mail.");
  const many = Array.from({ length: 21 }, (_, at) => `a${at}@x.example`).join(" ");
  expect(draftWrong(draft({ to: many }), true)["to"]).toContain("21 addresses");
  expect(draftWrong(draft({ kind: "webhook" }), true)).toHaveProperty("url");
  expect(draftWrong(draft({ kind: "webhook" }), false)).toEqual({});
  const broker = draftWrong(draft({ kind: "mqtt", port: "70000", topic: " ", password: "p" }), true);
  expect(Object.keys(broker)).toEqual(["mqtt.host", "mqtt.port", "mqtt.topic", "mqtt.user"]);
  expect(draftWrong(draft({ kind: "mqtt", host: "h" }), true)).toEqual({});
});

it("knows the place that the server did not let out from other faults", () => {
  const wrong = { url: "notifications do not go there: it leads to a loopback address" };
  expect(refusedPlace(draft({ kind: "webhook", url: "http://127.0.0.1:9000/a" }), wrong)).toEqual({ host: "127.0.0.1", port: 9000, plain: true });
  expect(refusedPlace(draft({ kind: "webhook", url: "no url" }), wrong)).toBeNull();
  expect(refusedPlace(draft({ kind: "webhook", url: "https://u:p@x.example/" }), wrong)).toBeNull();
  expect(refusedPlace(draft({ kind: "webhook", url: "https://x.example/" }), { name: "taken" })).toBeNull();
  expect(refusedPlace(draft({ kind: "mqtt", host: "10.0.0.1", port: "1883", tls: false }), { "mqtt.host": "no" }))
    .toEqual({ host: "10.0.0.1", port: 1883, plain: true });
});

it("writes the lines that let it out, and no more than are needed", () => {
  const lines = (url: string) => allowLines("webhook", placeOf(url) ?? { host: "", port: 0, plain: false }).split("\n");
  expect(lines("https://10.1.2.3/hook")).toEqual(["[[notify.allow]]", 'network = "10.1.2.3"']);
  expect(lines("http://[fd00::1]:8080/")).toEqual(["[[notify.allow]]", 'network = "fd00::1"', "ports = [8080]", "plain = true   # without TLS"]);
  expect(lines("https://hooks.inside.example:8443/")[1]).toContain("# where hooks.inside.example is");
  expect(allowLines("mqtt", { host: "10.0.0.1", port: 8883, plain: false })).not.toContain("ports");
  const led = { kind: "webhook", host: "example.net:9443", mqtt: null } as const;
  expect(placeOfChannel(led)).toEqual({ host: "example.net", port: 9443, plain: false });
  expect(placeOfChannel({ ...led, plain: true })).toMatchObject({ plain: true });
  const broker = { tls: false, topic: "t", user: null };
  expect(placeOfChannel({ kind: "mqtt", host: "10.0.0.7:1883", mqtt: broker })).toEqual({ host: "10.0.0.7", port: 1883, plain: true });
  expect(placeOfChannel({ kind: "email", host: null, mqtt: null })).toBeNull();
});
