/** A channel as it stands in a form, what is wrong with it, and what is sent of it. */
import { type Place, placeOf } from "./allow";
import type { Channel, ChannelChange, ChannelKind, NewChannel } from "./types";

export interface ChannelDraft {
  kind: ChannelKind;
  name: string;
  enabled: boolean;
  /** Addresses of mail, by lines, commas or spaces. */
  to: string;
  url: string;
  /** A key that the receiver has made. */
  secret: string;
  host: string;
  port: string;
  tls: boolean;
  topic: string;
  user: string;
  password: string;
}

export const NEW_CHANNEL: ChannelDraft = {
  kind: "email", name: "", enabled: true, to: "", url: "", secret: "", host: "", port: "8883", tls: true,
  topic: "farwatch/{site}/{device}/{severity}", user: "", password: "",
};

/** Host and port of a broker as the API tells them: `[2001:db8::1]:8883` too. */
function hostAndPort(text: string): { host: string; port: string } {
  const at = text.lastIndexOf(":");
  return { host: text.slice(0, at).replaceAll(/[[\]]/g, ""), port: text.slice(at + 1) };
}

/** Of what is there; a secret is never among it. */
export function draftOf({ kind, name, enabled, to, host, mqtt }: Channel): ChannelDraft {
  const broker = mqtt && host ? { ...hostAndPort(host), tls: mqtt.tls, topic: mqtt.topic, user: mqtt.user ?? "" } : {};
  return { ...NEW_CHANNEL, kind, name, enabled, to: to.join("\n"), ...broker };
}

export function receiversOf(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter((one) => one !== ""))];
}

function brokerOf({ host, port, tls, topic, user, password }: ChannelDraft): NonNullable<NewChannel["mqtt"]> {
  const broker: NonNullable<NewChannel["mqtt"]> = { host: host.trim(), port: Number(port), tls, topic: topic.trim() };
  if (user.trim()) broker.user = user.trim();
  if (user.trim() && password) broker.password = password;
  return broker;
}

export function newBody(draft: ChannelDraft, tenant: string): NewChannel {
  const body: NewChannel = { tenant, name: draft.name.trim(), kind: draft.kind };
  if (draft.kind === "email") body.to = receiversOf(draft.to);
  else if (draft.kind === "mqtt") body.mqtt = brokerOf(draft);
  else body.url = draft.url.trim();
  if (draft.kind === "webhook" && draft.secret.trim()) body.secret = draft.secret.trim();
  return body;
}

/** The broker is another one, or its user: the password goes with the one before. */
export function isMoved(draft: ChannelDraft, was: ChannelDraft): boolean {
  return (["host", "port", "tls", "user"] as const).some((field) => draft[field] !== was[field]);
}

/** Only what differs; a secret that is not typed stays. */
export function changeBody(draft: ChannelDraft, was: ChannelDraft): ChannelChange {
  const body: ChannelChange = {};
  if (draft.name.trim() !== was.name) body.name = draft.name.trim();
  if (draft.enabled !== was.enabled) body.enabled = draft.enabled;
  if (draft.kind === "email" && receiversOf(draft.to).join() !== receiversOf(was.to).join()) body.to = receiversOf(draft.to);
  if (draft.url.trim()) body.url = draft.url.trim();
  if (draft.kind === "mqtt" && (isMoved(draft, was) || draft.topic !== was.topic || draft.password)) body.mqtt = brokerOf(draft);
  return body;
}

const RECEIVERS_MAX = 20;
const PORT_MAX = 65_535;

function portWrong(port: string): string | null {
  const number = Number(port);
  return /^\d+$/.test(port.trim()) && number > 0 && number <= PORT_MAX ? null : "A port is a number from 1 to 65535.";
}

function receiversWrong(text: string): string | null {
  const all = receiversOf(text);
  if (all.length === 0) return "An address is needed, like noc@example.net.";
  if (all.length > RECEIVERS_MAX) return `These are ${all.length} addresses; ${RECEIVERS_MAX} at most.`;
  const bad = all.find((one) => !/^[^@]+@[^@]+$/.test(one));
  return bad === undefined ? null : `«${bad}» is no address of mail.`;
}

/** By the names that the server gives the fields; it knows the rest. */
export function draftWrong(draft: ChannelDraft, isNew: boolean): Readonly<Record<string, string>> {
  const isWeb = draft.kind === "webhook" || draft.kind === "slack";
  const isMqtt = draft.kind === "mqtt";
  const wrong: Record<string, string | null> = {
    name: draft.name.trim() ? null : "A name is needed.",
    to: draft.kind === "email" ? receiversWrong(draft.to) : null,
    url: isNew && isWeb && !draft.url.trim() ? "A URL is needed." : null,
    "mqtt.host": isMqtt && !draft.host.trim() ? "The name or the address of the broker is needed." : null,
    "mqtt.port": isMqtt ? portWrong(draft.port) : null,
    "mqtt.topic": isMqtt && !draft.topic.trim() ? "A topic is needed." : null,
    "mqtt.user": isMqtt && draft.password && !draft.user.trim() ? "A password goes with a user." : null,
  };
  return Object.fromEntries(Object.entries(wrong).filter((entry): entry is [string, string] => Boolean(entry[1])));
}

/** All names under which the form shows what is wrong. */
export const CHANNEL_SHOWS: readonly string[] = [
  "name", "tenant", "to", "url", "secret", "mqtt.host", "mqtt.port", "mqtt.topic", "mqtt.user", "mqtt.password",
];

/** Where a channel would lead that the server did not let out; null where something else is wrong. */
export function refusedPlace(draft: ChannelDraft, wrong: Readonly<Record<string, string>>): Place | null {
  if (wrong["url"]) return placeOf(draft.url);
  if (wrong["mqtt.host"] && draft.host.trim() && !portWrong(draft.port)) {
    return { host: draft.host.trim(), port: Number(draft.port), plain: !draft.tls };
  }
  return null;
}
