/** Keys of the whole app: single keys and two-key sequences such as `g f`. */
export interface KeyLike {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  target: EventTarget | null;
}

export type Bindings = Readonly<Record<string, () => void>>;

/** A sequence must be finished within this time. */
const SEQUENCE_MS = 1200;

/** Where a single key is text, not a command. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  if (target instanceof HTMLInputElement) {
    return !["checkbox", "radio", "button", "submit", "reset"].includes(target.type);
  }
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

/** Matches keys against bindings; pure but for the time it is given. */
export class KeyMatcher {
  #prefix = "";
  #at = 0;

  /** Returns the binding to run, or null. */
  match(event: KeyLike, bindings: Bindings, nowMs: number): (() => void) | null {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) {
      this.#prefix = "";
      // With Ctrl or Command held it is no text, wherever the focus is.
      const isMod = (event.ctrlKey || event.metaKey) && !event.altKey;
      return isMod ? (bindings[`mod+${event.key.toLowerCase()}`] ?? null) : null;
    }
    // Enter belongs to the control that has the focus, and so does the space bar to a button.
    const control = event.target instanceof Element && event.target.closest("a,button,summary");
    if (control && (event.key === "Enter" || (event.key === " " && !control.matches("a")))) return null;
    const prefix = nowMs - this.#at < SEQUENCE_MS ? this.#prefix : "";
    this.#prefix = "";
    // What follows the start of a sequence is no key by itself.
    if (prefix) return bindings[`${prefix} ${event.key}`] ?? null;
    const starts = Object.keys(bindings).some((keys) => keys.startsWith(`${event.key} `));
    if (starts) {
      this.#prefix = event.key;
      this.#at = nowMs;
      return null;
    }
    return bindings[event.key] ?? null;
  }
}

const SWITCH = "farwatch.keys";

/** Single keys can be switched off (WCAG 2.1.4). */
export function keysEnabled(): boolean {
  try {
    return localStorage.getItem(SWITCH) !== "off";
  } catch {
    return true;
  }
}

export function setKeysEnabled(on: boolean): void {
  try {
    localStorage.setItem(SWITCH, on ? "on" : "off");
  } catch {
    // Storage is closed to us; the choice lasts as long as the page.
  }
}
