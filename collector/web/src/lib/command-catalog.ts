/**
 * Everything that a key or the palette can do, named once: pages say by `useCommands` what of it works now.
 * The palette, the keys and their help all read it from here.
 */
export type CommandGroup = "Go to" | "Lists" | "Alerts" | "Devices" | "Time" | "Make" | "View" | "You";

export interface CommandInfo {
  group: CommandGroup;
  title: string;
  /** One key, a sequence such as `g f`, or `mod+k`. */
  keys?: string;
  /** Moves about on the page: nothing to look for in the palette. */
  isMove?: true;
}

const CATALOG = {
  "palette.open": { group: "Go to", title: "Find anything", keys: "mod+k", isMove: true },
  "go.now": { group: "Go to", title: "Go to Now", keys: "g n" },
  "go.sites": { group: "Go to", title: "Go to Sites", keys: "g i" },
  "go.fleet": { group: "Go to", title: "Go to Fleet", keys: "g f" },
  "go.alerts": { group: "Go to", title: "Go to Alerts", keys: "g a" },
  "go.config": { group: "Go to", title: "Go to Config", keys: "g c" },
  "go.agents": { group: "Go to", title: "Go to Agents", keys: "g e" },
  "go.settings": { group: "Go to", title: "Go to Settings", keys: "g s" },
  "go.keys": { group: "Go to", title: "Go to API keys", keys: "g k" },
  "go.back": { group: "Go to", title: "Close, or go back", keys: "Escape", isMove: true },
  "list.filter": { group: "Lists", title: "Filter", keys: "/", isMove: true },
  "list.next": { group: "Lists", title: "Next row", keys: "j", isMove: true },
  "list.previous": { group: "Lists", title: "Previous row", keys: "k", isMove: true },
  "list.mark": { group: "Lists", title: "Mark the row, to change it with others", keys: "x", isMove: true },
  "list.open": { group: "Lists", title: "Show the row beside; again: its page", keys: "Enter", isMove: true },
  "view.save": { group: "Lists", title: "Save this view" },
  "view.link": { group: "Lists", title: "Copy a link to this view" },
  "alert.ack": { group: "Alerts", title: "Acknowledge", keys: "a" },
  "alert.silence": { group: "Alerts", title: "Silence", keys: "s" },
  "alert.undo": { group: "Alerts", title: "Undo silence or acknowledgement", keys: "u" },
  "device.overview": { group: "Devices", title: "Tab: Overview", keys: "1" },
  "device.interfaces": { group: "Devices", title: "Tab: Interfaces", keys: "2" },
  "device.metrics": { group: "Devices", title: "Tab: Metrics", keys: "3" },
  "device.events": { group: "Devices", title: "Tab: Events", keys: "4" },
  "device.config": { group: "Devices", title: "Tab: Config", keys: "5" },
  "device.poll": { group: "Devices", title: "Poll now", keys: "p" },
  "device.fetch": { group: "Devices", title: "Fetch the configuration now" },
  "time.pick": { group: "Time", title: "Pick a time range", keys: "t" },
  "time.earlier": { group: "Time", title: "Earlier", keys: "[" },
  "time.later": { group: "Time", title: "Later", keys: "]" },
  "time.in": { group: "Time", title: "Zoom in", keys: "+" },
  "time.out": { group: "Time", title: "Zoom out", keys: "-" },
  "time.compare": { group: "Time", title: "Compare with a week, a day before", keys: "w" },
  "event.previous": { group: "Time", title: "Event before", keys: ",", isMove: true },
  "event.next": { group: "Time", title: "Next event", keys: ".", isMove: true },
  "make.setup": { group: "Make", title: "Set up a site" },
  "make.import": { group: "Make", title: "Import a table of devices" },
  "make.device": { group: "Make", title: "Add a device" },
  "make.agent": { group: "Make", title: "New agent" },
  "make.site": { group: "Make", title: "New site" },
  "undo": { group: "View", title: "Undo what was just done", keys: "u", isMove: true },
  "tenant.switch": { group: "View", title: "Switch the tenant", keys: "T" },
  "theme": { group: "View", title: "Switch between dark and light" },
  "kiosk": { group: "View", title: "Kiosk: the page alone, until Esc", keys: "d k" },
  "help": { group: "View", title: "Keys and what they do", keys: "?" },
  "account": { group: "You", title: "Your account" },
  "sign-out": { group: "You", title: "Sign out" },
} as const satisfies Record<string, CommandInfo>;

export type CommandId = keyof typeof CATALOG;

export const COMMANDS: Readonly<Record<CommandId, CommandInfo>> = CATALOG;
export const COMMAND_IDS = Object.keys(CATALOG) as CommandId[];

const SPOKEN: Readonly<Record<string, string>> = { Escape: "Esc" };

/** The keys one after the other, as they stand on them. */
export function keyCaps(keys: string, isApple = /Mac|iP/.test(navigator.platform)): string[] {
  return keys.split(" ").flatMap((key) =>
    key.startsWith("mod+") ? [isApple ? "⌘" : "Ctrl", key.slice(4).toUpperCase()] : [SPOKEN[key] ?? key]);
}
