import { expect, it } from "vitest";
import { aboutWords } from "./about-words";
import { isProfileGiven, kindOf, profileDraftOf, profileWrong, sentOf, withSort } from "./profile-draft";

const login = { user: "backup", has_password: true, has_key: false, has_enable: false };
const none = profileDraftOf(null);

it("begins with a community, and keeps the user of what is there", () => {
  expect(none.sort).toBe("v2c");
  expect(profileDraftOf({ kind: "ssh_login", user: null, login }).login).toEqual({ user: "backup", password: "", key: "", enable: "" });
});

it("asks for what its kind needs, and sends that alone", () => {
  const ssh = withSort({ ...none, snmp: { ...none.snmp, community: "typed before" } }, "ssh");
  expect(kindOf(ssh)).toBe("ssh_login");
  expect(Object.keys(profileWrong(ssh))).toEqual(["login.user", "login.password"]);
  const typed = { ...ssh, login: { ...ssh.login, user: "backup", password: "p" } };
  expect(profileWrong(typed)).toEqual({});
  expect(sentOf(typed)).toEqual({ login: { user: "backup", password: "p" } });
  expect(sentOf(withSort(typed, "v2c"))).toEqual({ community: "typed before" });
  expect(kindOf(withSort(typed, "v3"))).toBe("snmp_user");
});

it("leaves a credential that nobody touched", () => {
  const was = profileDraftOf({ kind: "ssh_login", user: null, login });
  expect(isProfileGiven(was, was)).toBe(false);
  expect(isProfileGiven({ ...was, login: { ...was.login, password: "p" } }, was)).toBe(true);
});

it("tells of a credential what may be told", () => {
  const user = { name: "ops", auth: "sha256", privacy: "aes128", context: "" } as const;
  expect(aboutWords({ user, login: null })).toBe("v3 · ops · SHA-256/AES-128");
  expect(aboutWords({ user: null, login: null })).toBe("community");
  expect(aboutWords({ user: null, login })).toBe("SSH · backup · password");
});
