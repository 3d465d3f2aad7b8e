import { expect, it } from "vitest";
import { isLoginGiven, loginDraftOf, loginOf, loginWords, loginWrong, NO_LOGIN } from "./login-draft";

const KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbg==\n-----END OPENSSH PRIVATE KEY-----";
const draft = { ...NO_LOGIN, user: "backup", password: "p" };

it("is given once something of it is typed", () => {
  const was = loginDraftOf({ user: "backup" });
  expect(isLoginGiven(NO_LOGIN)).toBe(false);
  expect(isLoginGiven(was, was)).toBe(false);
  expect(isLoginGiven({ ...was, enable: "e" }, was)).toBe(true);
  expect(isLoginGiven({ ...was, user: "other" }, was)).toBe(true);
});

it("wants a user, and something to prove it", () => {
  expect(loginWrong(draft)).toEqual({});
  expect(loginWrong({ ...NO_LOGIN, user: "backup", key: KEY })).toEqual({});
  expect(Object.keys(loginWrong(NO_LOGIN))).toEqual(["login.user", "login.password"]);
  expect(loginWrong({ ...draft, key: "ssh-ed25519 AAAA" })).toHaveProperty(["login.private_key"]);
  expect(loginWrong({ ...draft, enable: "x".repeat(1025) })).toHaveProperty(["login.enable"]);
});

it("sends only what was typed of it", () => {
  expect(loginOf({ ...draft, user: " backup " })).toEqual({ user: "backup", password: "p" });
  expect(loginOf({ user: "b", password: "", key: KEY, enable: "e" })).toEqual({ user: "b", private_key: KEY, enable: "e" });
});

it("tells of it what may be told", () => {
  expect(loginWords({ user: "backup", has_password: true, has_key: false, has_enable: true })).toBe("backup · password, enable");
});
