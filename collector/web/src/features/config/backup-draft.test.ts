import { expect, it } from "vitest";
import { AUTO, changeOf, draftOf, draftWrong } from "./backup-draft";

const was = draftOf({ enabled: null, port: 22, platform: "", legacy: false });

it("holds what is in force, in the form of a form", () => {
  expect(was).toEqual({ wish: "policy", port: "22", platform: AUTO, legacy: false });
  expect(draftOf({ enabled: false, port: 2222, platform: "ios", legacy: true })).toEqual({ wish: "off", port: "2222", platform: "ios", legacy: true });
});

it("sends only what differs", () => {
  expect(changeOf(was, was)).toEqual({});
  expect(changeOf({ ...was, port: " 22 " }, was)).toEqual({});
  expect(changeOf({ wish: "on", port: "2222", platform: "ios", legacy: true }, was)).toEqual({ enabled: true, port: 2222, platform: "ios", legacy: true });
  expect(changeOf(was, draftOf({ enabled: true, port: 22, platform: "ios", legacy: false }))).toEqual({ enabled: null, platform: "" });
});

it.each(["", "0", "65536", "ssh", "-1", "2 2"])("takes «%s» for no port", (port) => {
  expect(draftWrong({ ...was, port })).toHaveProperty("port");
});

it("takes ports", () => {
  expect(["1", "22", "65535"].map((port) => draftWrong({ ...was, port }))).toEqual([{}, {}, {}]);
});
