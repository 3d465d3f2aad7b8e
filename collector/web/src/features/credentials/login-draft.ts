/** A login by SSH as it stands in a form, what is wrong with it, and what is sent of it. */
import type { NewSshLogin, SshLogin } from "../../lib/types";

export interface LoginDraft {
  user: string;
  password: string;
  key: string;
  enable: string;
}

export const NO_LOGIN: LoginDraft = { user: "", password: "", key: "", enable: "" };

/** Of what is in force; a secret is never among it. */
export function loginDraftOf(login: Pick<SshLogin, "user"> | null): LoginDraft {
  return { ...NO_LOGIN, user: login?.user ?? "" };
}

/** A login is typed, rather than left as it is. */
export function isLoginGiven(draft: LoginDraft, was: LoginDraft = NO_LOGIN): boolean {
  return draft.user !== was.user || draft.password !== "" || draft.key.trim() !== "" || draft.enable !== "";
}

/** The server counts bytes. */
const USER_MAX = 255;
const SECRET_MAX = 1024;
const KEY_MAX = 16 * 1024;

function size(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** By the names that the server gives the fields. */
export function loginWrong({ user, password, key, enable }: LoginDraft): Readonly<Record<string, string>> {
  const secret = (text: string) => (size(text) > SECRET_MAX ? `It is too long: ${SECRET_MAX} at most.` : null);
  const isNone = password === "" && key.trim() === "";
  const wrong: Record<string, string | null> = {
    "login.user": user.trim() === "" ? "A user is needed." : size(user) > USER_MAX ? `It is too long: ${USER_MAX} at most.` : null,
    "login.password": isNone ? "A password or a private key is needed." : secret(password),
    "login.private_key": key.trim() === "" ? null
      : !/^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key.trim()) ? "It must begin with -----BEGIN … PRIVATE KEY-----."
        : size(key) > KEY_MAX ? "It is too long: 16 KiB at most." : null,
    "login.enable": secret(enable),
  };
  return Object.fromEntries(Object.entries(wrong).filter((entry): entry is [string, string] => entry[1] !== null));
}

/** The login whole: nobody can read a secret to send it again. */
export function loginOf({ user, password, key, enable }: LoginDraft): NewSshLogin {
  const login: NewSshLogin = { user: user.trim() };
  if (password !== "") login.password = password;
  if (key.trim() !== "") login.private_key = key;
  if (enable !== "") login.enable = enable;
  return login;
}

export const LOGIN_SHOWS: readonly string[] = ["login", "login.user", "login.password", "login.private_key", "login.enable"];

/** «backup · password, key, enable». */
export function loginWords({ user, has_password: password, has_key: key, has_enable: enable }: SshLogin): string {
  const has = [password && "password", key && "key", enable && "enable"].filter(Boolean).join(", ");
  return [user, has].filter(Boolean).join(" · ");
}
