/** What the administrator of the collector writes into its file, so that notifications may go somewhere inside. */
import type { Channel, ChannelKind } from "./types";

const WEB_PORTS: readonly number[] = [443, 8443];
const BROKER_PORTS: readonly number[] = [443, 8443, 8883];
const V4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

export interface Place {
  /** A name, or an address without brackets. */
  host: string;
  port: number;
  /** Without TLS. */
  plain: boolean;
}

/** The place of a URL; null where it is none that a webhook takes. */
export function placeOf(url: string): Place | null {
  let at: URL;
  try {
    at = new URL(url.trim());
  } catch {
    return null;
  }
  const plain = at.protocol === "http:";
  if ((!plain && at.protocol !== "https:") || at.username !== "" || at.password !== "") return null;
  const port = at.port === "" ? (plain ? 80 : 443) : Number(at.port);
  return { host: at.hostname.replaceAll(/[[\]]/g, ""), port, plain };
}

/** What says where a channel leads. A newer server tells of a webhook, too, whether it goes without TLS. */
export type Led = Pick<Channel, "kind" | "host" | "mqtt"> & { plain?: boolean };

/** Of a channel that is there: `example.net:8443` as the API tells it. */
export function placeOfChannel({ host, mqtt, plain }: Led): Place | null {
  const isPlain = mqtt ? !mqtt.tls : plain === true;
  return host ? placeOf(`${isPlain ? "http" : "https"}://${host}/`) : null;
}

/** Where it would lead, of an attempt that was not allowed there. */
export function refusedPlaceOf(channel: Led, { outcome }: { outcome: string }): Place | null {
  return outcome === "forbidden" ? placeOfChannel(channel) : null;
}

export function allowLines(kind: ChannelKind, { host, port, plain }: Place): string {
  const isAddress = V4.test(host) || host.includes(":");
  const usual = kind === "mqtt" ? BROKER_PORTS : WEB_PORTS;
  const lines = ["[[notify.allow]]", isAddress ? `network = "${host}"` : `network = "10.0.0.0/24"   # where ${host} is`];
  if (!usual.includes(port)) lines.push(`ports = [${port}]`);
  if (plain) lines.push("plain = true   # without TLS");
  return lines.join("\n");
}
