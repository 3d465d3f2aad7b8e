/** The settings of a device's backup as they stand in a form, and what is sent of them. */
import type { Backup, BackupChange } from "./types";

export type Wish = "policy" | "on" | "off";

export interface BackupDraft {
  wish: Wish;
  /** As it is typed. */
  port: string;
  /** An id of a platform, or `AUTO`. */
  platform: string;
  legacy: boolean;
}

/** In place of an empty value, which a select cannot have. */
export const AUTO = "auto";
const PORT_MAX = 65_535;

export function draftOf({ enabled, port, platform, legacy }: Pick<Backup, "enabled" | "port" | "platform" | "legacy">): BackupDraft {
  return { wish: enabled === null ? "policy" : enabled ? "on" : "off", port: String(port), platform: platform || AUTO, legacy };
}

export function draftWrong({ port }: Pick<BackupDraft, "port">): Readonly<Record<string, string>> {
  const isPort = /^\d{1,5}$/.test(port.trim()) && Number(port) >= 1 && Number(port) <= PORT_MAX;
  return isPort ? {} : { port: `It must be 1 to ${PORT_MAX}.` };
}

/** Only what differs: what somebody else changes meanwhile stays theirs. */
export function changeOf(is: BackupDraft, was: BackupDraft): BackupChange {
  const change: BackupChange = {};
  if (is.wish !== was.wish) change.enabled = is.wish === "policy" ? null : is.wish === "on";
  if (Number(is.port) !== Number(was.port)) change.port = Number(is.port);
  if (is.platform !== was.platform) change.platform = is.platform === AUTO ? "" : is.platform;
  if (is.legacy !== was.legacy) change.legacy = is.legacy;
  return change;
}
