/** What a row of the audit says, in plain words. */
import { NONE } from "../../lib/format";
import type { AuditRow } from "../../lib/types";

/** Kinds of things that have a history, as one chooses among them. */
export const KINDS: Readonly<Record<string, { word: string; all: string }>> = {
  device: { word: "device", all: "Devices" },
  agent: { word: "agent", all: "Agents" },
  token: { word: "enrolment token", all: "Enrolment tokens" },
  site: { word: "site", all: "Sites" },
  tenant: { word: "tenant", all: "Tenants" },
  quota: { word: "the quota of", all: "Quotas" },
  user: { word: "person", all: "Sign-ins and accounts" },
  member: { word: "member", all: "Roles" },
  grant: { word: "provider access of", all: "Provider access" },
  api_key: { word: "API key", all: "API keys" },
  alert: { word: "alert", all: "Alerts" },
  rule: { word: "alert rule", all: "Alert rules" },
  credential_profile: { word: "credential profile", all: "Credential profiles" },
  backup_policy: { word: "the configuration policy of", all: "Configuration policies" },
  config: { word: "a configuration of", all: "Configurations" },
  channel: { word: "channel", all: "Channels" },
  route: { word: "a route to", all: "Routes" },
  screen: { word: "wallboard", all: "Wallboards" },
  master_key: { word: "the master key", all: "Master key" },
};

const VERBS: Readonly<Record<string, string>> = {
  create: "added",
  change: "changed",
  update: "changed",
  rename: "renamed",
  move: "moved",
  delete: "removed",
  revoke: "revoked",
  enrol: "enrolled",
  end: "ended",
  rotate: "rotated",
};

/** Where the verb and the kind are no sentence. */
const PHRASES: Readonly<Record<string, string>> = {
  "agent.assignment_outgrow": "sent its devices anew to agent",
  "agent.clone": "was seen on two hosts as agent",
  "agent.find_credential": "tried credentials from agent",
  "agent.find_credential_outcome": "ended the search for a credential from agent",
  "agent.ping": "pinged agent",
  "agent.ping_outcome": "got the answer to its ping of agent",
  "alert.ack": "acknowledged alert",
  "alert.unack": "undid the acknowledgement of alert",
  "alert.silence": "silenced alert",
  "alert.unsilence": "ended the silence of alert",
  "rule.create": "made alert rule",
  "config.raw": "downloaded with its secrets a configuration of",
  "device.backup_change": "changed the backup of",
  "device.backup_cancel": "took back the fetch of",
  "device.backup_run": "asked for the configuration of",
  "device.host_key_pin": "pinned another host key of",
  "device.poll": "polled by hand device",
  "device.poll_outcome": "ended the poll by hand of device",
  "api_key.create": "made API key",
  "channel.create": "made channel",
  "channel.test": "sent a test to channel",
  "credential_profile.create": "made credential profile",
  "grant.create": "gave provider access to",
  "grant.end": "ended the provider access of",
  "member.create": "gave a role to",
  "member.update": "changed the role of",
  "member.delete": "took the role from",
  "route.create": "made a route to",
  "screen.create": "made wallboard",
  "tenant.key_rotate": "rotated the key of tenant",
  "token.create": "made an enrolment token",
  "token.delete": "took back an enrolment token",
  "user.begin_totp": "began to set up a second factor",
  "user.change_password": "changed their password",
  "user.end_session": "ended a session",
  "user.reset_password": "gave a new one-time password to",
  "user.sign_in": "signed in",
  "user.sign_in_failed": "failed to sign in",
  "user.sign_out": "signed out",
  "user.totp_on": "turned on a second factor",
  "user.totp_off": "turned off a second factor",
  "user.totp_asked": "gave the password, was asked for a second factor",
  "user.use_recovery_code": "used a recovery code",
};

/** The id of a token is nothing that one reads. */
const NAMELESS: ReadonlySet<string> = new Set(["token", "master_key"]);

/** Of who is not signed in yet: the account is who did it. */
const ATTEMPTS: ReadonlySet<string> = new Set(["sign_in_failed", "totp_asked"]);

interface Told {
  /** «changed device». */
  did: string;
  /** What it was done to; null where that is who did it, or has no name. */
  name: string | null;
}

function plain(action: string): string {
  return action.replaceAll(/[._]/g, " ");
}

export function told({ action, actor, object }: AuditRow): Told {
  const [kind = "", verb = ""] = action.split(".");
  const known = VERBS[verb] && KINDS[kind] ? `${VERBS[verb]} ${KINDS[kind].word}` : plain(action);
  const isSelf = kind === "user" && (object.id === actor.id || ATTEMPTS.has(verb));
  const isNamed = object.name !== "" && !NAMELESS.has(kind) && !isSelf;
  return { did: PHRASES[action] ?? known, name: isNamed ? object.name : null };
}

const ACTORS: Readonly<Record<string, string>> = {
  user: "Person",
  api_key: "API key",
  agent: "Agent",
  token: "Enrolment token",
  local: "Command line",
  nobody: "Nobody signed in",
};

export function actorWord(kind: string): string {
  return ACTORS[kind] ?? plain(kind);
}

export function actorName({ actor, object, action }: AuditRow): string {
  if (actor.kind === "local") return "Command line";
  if (actor.kind === "token") return "An enrolling agent";
  if (actor.kind === "nobody") {
    return ATTEMPTS.has(action.replace("user.", "")) && object.id ? object.name : "Unknown account";
  }
  return actor.name || actorWord(actor.kind);
}

export interface FieldChange {
  field: string;
  before: string | null;
  after: string | null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value as one line; null where the field is not there. */
function line(value: unknown): string | null {
  if (value === undefined) return null;
  if (value === null || value === "") return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map((one) => line(one)).join(", ") || "none";
  if (isRecord(value)) return typeof value["name"] === "string" ? value["name"] : JSON.stringify(value);
  return String(value);
}

/** Field by field, what was and what is since. */
export function changes({ before, after }: { before: unknown; after: unknown }): FieldChange[] {
  const was = isRecord(before) ? before : {};
  const is = isRecord(after) ? after : {};
  return [...new Set([...Object.keys(was), ...Object.keys(is)])].map((field) => ({
    field: plain(field).replace(/ s$/, ", s"), before: line(was[field]), after: line(is[field]),
  }));
}

/** So many fields are told in the row itself; the others when it is opened. */
const TOLD_MAX = 3;

/** «name r1 → r2; tags none → core»: what a change changed; null where nothing was before, or nothing differs. */
export function changedWords({ before, after }: { before: unknown; after: unknown }): string | null {
  if (!isRecord(before) || !isRecord(after)) return null;
  const differing = changes({ before, after }).filter((one) => one.before !== one.after);
  const words = differing.slice(0, TOLD_MAX).map(({ field, before: was, after: is }) => {
    // The unit stands with the figures here.
    const unit = field.endsWith(", s") ? " s" : "";
    return `${field.replace(/, s$/, "")} ${was ?? NONE}${unit} → ${is ?? NONE}${unit}`;
  });
  if (differing.length > TOLD_MAX) words.push(`${differing.length - TOLD_MAX} more`);
  return words.join("; ") || null;
}
