/** Channels in words: what they are, where they lead, how they are. */
import type { State } from "../../lib/types";
import type { Channel, ChannelKind } from "./types";

export const KIND_WORD: Readonly<Record<ChannelKind, string>> = {
  email: "E-mail", webhook: "Webhook", slack: "Slack", mqtt: "MQTT",
};

/** Where it leads, without a secret. */
export function targetWords({ kind, to, host, mqtt }: Pick<Channel, "kind" | "to" | "host" | "mqtt">): string {
  if (kind === "email") {
    const [first = "nobody", ...rest] = to;
    return rest.length === 0 ? first : `${first} and ${rest.length} more`;
  }
  const at = host ?? "nowhere";
  return kind === "mqtt" && mqtt ? `${at} · ${mqtt.topic}` : at;
}

interface Shown {
  state: State;
  word: string;
  since: string | null;
}

export function channelShown(
  { state, failing_since: since, waiting, last_told_at: last }: Pick<Channel, "state" | "failing_since" | "waiting" | "last_told_at">,
): Shown {
  if (state === "failing") return { state: "down", word: "Failing", since };
  // A test is not tried again.
  if (state === "retrying") return { state: "degraded", word: waiting > 0 ? "Retrying" : "Failed last", since };
  // Nothing has failed, for nothing was sent: that is no proof.
  if (last === null) return { state: "unknown", word: "Not tried yet", since: null };
  return { state: "up", word: "Working", since: null };
}
