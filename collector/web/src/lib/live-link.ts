/**
 * One event stream per browser: the tab that holds the lock reads it, the others listen.
 *
 * In: server events (leader) or channel messages (followers). Out: `LiveStore.receive` and a
 * status. Without Web Locks (plain http away from loopback) every tab reads its own stream.
 */
import type { LiveEvent, LiveStore } from "./live";
import { isWall } from "./screen-link";
import { readStream, SseRefused, type SseEvent } from "./sse";

export type LinkPhase = "connecting" | "live" | "offline";
export interface LinkStatus {
  phase: LinkPhase;
  /** Local time something last came from the server. */
  heardAt: number;
  /** Devices whose interface events the stream carries. */
  devices: readonly string[];
  /** Devices that are watched in some tab and have no place in the stream. */
  without: readonly string[];
}

type Message =
  | { kind: "event"; event: LiveEvent }
  | { kind: "status"; status: LinkStatus; hello: LiveEvent | null; opened?: boolean }
  | { kind: "want"; tab: string; devices: readonly string[] }
  | { kind: "lead" }
  | { kind: "bye"; tab: string }
  | { kind: "signed-out" };

/** The wall sees what its screen may, and shares its stream with walls only. */
const nameHere = () => (isWall() ? "farwatch-live-wall" : "farwatch-live");
/** The server sends a heartbeat every 15 s; three missed ones are a dead line. */
const SILENCE_MS = 45_000;
/** How long the server may take to answer a request for the stream. */
const OPEN_MS = 20_000;
/** A leader that says nothing for so long is frozen, and its lock is taken. */
const FROZEN_MS = SILENCE_MS + 10_000;
/** The same for one that has no stream: it may have been told to wait. */
const FROZEN_OFFLINE_MS = 180_000;
const LOOK_MS = 5_000;
const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 15_000;
/** Tabs whose wishes we keep; devices one stream carries. */
const MAX_TABS = 32;
const MAX_DEVICES = 8;

export class LiveLink {
  status: LinkStatus;
  readonly #store: LiveStore;
  readonly #name = nameHere();
  readonly #tab = Math.random().toString(36).slice(2);
  readonly #channel: BroadcastChannel | null;
  readonly #listeners = new Set<() => void>();
  readonly #watched = new Map<string, number>();
  readonly #wants = new Map<string, readonly string[]>();
  /** Wanted devices the server does not show us; asking for them would cost the whole stream. */
  readonly #refused = new Set<string>();
  readonly #stop = new AbortController();
  readonly #onSignedOut: () => void;
  readonly #onDoubt: () => void;
  #leading = false;
  /** Local time the leader said anything. */
  #leaderAt = Date.now();
  #look: ReturnType<typeof setInterval> | undefined;
  #hello: LiveEvent | null = null;
  #stream: AbortController | null = null;
  #wake: (() => void) | null = null;
  #beatAt = 0;

  constructor(store: LiveStore, onSignedOut: () => void, onDoubt: () => void, heardAt = Date.now()) {
    this.status = { phase: "connecting", heardAt, devices: [], without: [] };
    this.#store = store;
    this.#onDoubt = onDoubt;
    this.#onSignedOut = onSignedOut;
    this.#channel = typeof BroadcastChannel === "function" ? new BroadcastChannel(this.#name) : null;
  }

  start(): void {
    this.#channel?.addEventListener("message", (message: MessageEvent<Message>) => {
      this.#hear(message.data);
    });
    const { signal } = this.#stop;
    addEventListener("pagehide", () => this.#say({ kind: "bye", tab: this.#tab }), { signal });
    addEventListener("online", () => this.#wake?.(), { signal });
    this.#sayWants();
    if (!navigator.locks) {
      void this.#lead(this.#stop.signal);
      return;
    }
    this.#queue(false);
    this.#look = setInterval(() => this.#lookAtLeader(), LOOK_MS);
  }

  /** Waits for the lock, or takes it from who has it, and leads until it is taken from us. */
  #queue(steal: boolean): void {
    const { signal } = this.#stop;
    const turn = new AbortController();
    const lead = () => this.#lead(AbortSignal.any([signal, turn.signal]));
    navigator.locks.request(this.#name, steal ? { steal } : { signal }, lead).catch(() => {
      if (signal.aborted) return;
      // Another tab took us for frozen: it leads now, and we wait for our turn again.
      turn.abort();
      this.#wake?.();
      this.#leading = false;
      this.#leaderAt = Date.now();
      this.#queue(false);
    });
  }

  /** A frozen leader keeps its lock and says nothing: somebody who is looked at takes over. */
  #lookAtLeader(): void {
    if (this.#leading || document.visibilityState === "hidden") return;
    const patience = this.status.phase === "offline" ? FROZEN_OFFLINE_MS : FROZEN_MS;
    if (Date.now() - this.#leaderAt < patience) return;
    this.#leaderAt = Date.now();
    this.#queue(true);
  }

  stop(): void {
    this.#say({ kind: "bye", tab: this.#tab });
    this.#stop.abort();
    clearInterval(this.#look);
    this.#stream?.abort();
    this.#wake?.();
    this.#channel?.close();
    this.#listeners.clear();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Asks for the interface events of a device until the returned function is called. */
  watch(device: string): () => void {
    const count = this.#watched.get(device) ?? 0;
    this.#watched.set(device, count + 1);
    if (count === 0) this.#sayWants();
    return () => {
      const left = (this.#watched.get(device) ?? 1) - 1;
      if (left > 0) this.#watched.set(device, left);
      else this.#watched.delete(device);
      if (left === 0) this.#sayWants();
    };
  }

  /** Tells the other tabs that the session is over. */
  sayGoodbye(): void {
    this.#say({ kind: "signed-out" });
  }

  #hear(message: Message): void {
    if (["event", "status", "lead"].includes(message.kind)) this.#leaderAt = Date.now();
    switch (message.kind) {
      case "event":
        if (!this.#leading) this.#take(message.event);
        break;
      case "status":
        if (this.#leading) break;
        if (message.opened) this.#store.interrupted();
        if (message.hello) this.#store.receive(message.hello);
        this.#setStatus(message.status);
        break;
      case "want":
        if (!this.#leading) break;
        this.#wants.delete(message.tab);
        this.#wants.set(message.tab, message.devices);
        for (const tab of this.#wants.keys()) {
          if (this.#wants.size <= MAX_TABS) break;
          this.#wants.delete(tab);
        }
        this.#follow();
        this.#say({ kind: "status", status: this.status, hello: this.#hello });
        break;
      case "bye":
        if (this.#leading && this.#wants.delete(message.tab)) this.#follow();
        break;
      case "lead":
        this.#sayWants();
        break;
      case "signed-out":
        // A late word about an older session must not end a new one: ask the server.
        this.#onDoubt();
        break;
    }
  }

  #sayWants(): void {
    if (this.#leading) this.#follow();
    else this.#say({ kind: "want", tab: this.#tab, devices: [...this.#watched.keys()] });
  }

  #say(message: Message): void {
    if (!this.#stop.signal.aborted) this.#channel?.postMessage(message);
  }

  #wanted(): { devices: string[]; without: string[] } {
    const all = new Set(this.#watched.keys());
    for (const devices of this.#wants.values()) for (const device of devices) all.add(device);
    for (const device of this.#refused) if (!all.has(device)) this.#refused.delete(device);
    const wanted = [...all].filter((id) => !this.#refused.has(id));
    const without = wanted.splice(0, Math.max(0, wanted.length - MAX_DEVICES));
    return { devices: wanted.toSorted(), without };
  }

  /** Opens the stream anew when it carries other devices than are wanted. */
  #follow(): void {
    const { devices, without } = this.#wanted();
    if (devices.join() === this.status.devices.join()) {
      if (without.join() === this.status.without.join()) return;
      this.status = { ...this.status, without };
      this.#say({ kind: "status", status: this.status, hello: null });
      return;
    }
    if (this.#stream) this.#stream.abort();
    else this.#wake?.();
  }

  /** The server refused the list: leaves out what it does not know, or all if it knows each. */
  async #refuse(devices: readonly string[]): Promise<void> {
    const missing = await this.#store.missing(devices);
    for (const device of missing.length > 0 ? missing : devices) this.#refused.add(device);
  }

  async #lead(signal: AbortSignal): Promise<void> {
    this.#leading = true;
    this.#say({ kind: "lead" });
    let failures = 0;
    while (!signal.aborted) {
      const wanted = this.#wanted();
      const opened = Date.now();
      // oxlint-disable-next-line no-await-in-loop -- one stream after the other
      const end = await this.#run(wanted, signal);
      if (signal.aborted) return;
      this.#store.interrupted();
      if (end === "signed-out") {
        this.sayGoodbye();
        this.#onSignedOut();
        return;
      }
      if (end === "changed") continue;
      failures = Date.now() - opened > BACKOFF_MAX_MS ? 0 : failures + 1;
      this.#setStatus({ ...this.status, phase: "offline" });
      const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** failures);
      const pause = typeof end === "number" ? end * 1000 : Math.random() * ceiling;
      // oxlint-disable-next-line no-await-in-loop -- a pause between tries
      await this.#pause(pause);
    }
  }

  async #run(
    { devices, without }: { devices: string[]; without: string[] },
    signal: AbortSignal,
  ): Promise<"changed" | "lost" | "signed-out" | number> {
    const stream = new AbortController();
    const abort = () => stream.abort();
    signal.addEventListener("abort", abort);
    this.#stream = stream;
    this.status = { ...this.status, devices, without };
    let silence: ReturnType<typeof setTimeout> | undefined;
    let silent = false;
    const wait = (ms: number) => {
      clearTimeout(silence);
      silence = setTimeout(() => {
        silent = true;
        stream.abort();
      }, ms);
    };
    const onHeard = () => {
      wait(SILENCE_MS);
      this.#heard();
    };
    try {
      wait(OPEN_MS);
      await readStream(this.#url(devices), { onHeard, onEvent: (e) => this.#read(e) },
        stream.signal);
      return "lost";
    } catch (error) {
      if (error instanceof SseRefused) {
        if (error.status === 401) return "signed-out";
        if (devices.length > 0 && (error.status === 400 || error.status === 404)) {
          await this.#refuse(devices);
          return "changed";
        }
        return error.retryAfter ?? "lost";
      }
      return stream.signal.aborted && !silent ? "changed" : "lost";
    } finally {
      clearTimeout(silence);
      signal.removeEventListener("abort", abort);
      if (this.#stream === stream) this.#stream = null;
    }
  }

  #url(devices: readonly string[]): string {
    const query = new URLSearchParams();
    if (devices.length > 0) query.set("device", devices.join(","));
    if (this.#store.sequence !== null) query.set("last_event_id", String(this.#store.sequence));
    const text = query.toString();
    return text ? `/api/v1/events?${text}` : "/api/v1/events";
  }

  #read(raw: SseEvent): void {
    const event: LiveEvent = {
      heardAt: Date.now(),
      sequence: Number(raw.id) || 0,
      type: raw.type,
      data: JSON.parse(raw.data) as unknown,
    };
    this.#take(event);
    if (event.type === "hello") {
      this.#hello = event;
      this.#setStatus({ ...this.status, phase: "live", heardAt: Date.now() });
      this.#say({ kind: "status", status: this.status, hello: event, opened: true });
    } else {
      this.#say({ kind: "event", event });
    }
  }

  #take(event: LiveEvent): void {
    this.#store.receive(event);
    this.status.heardAt = Date.now();
  }

  #heard(): void {
    this.status = { ...this.status, heardAt: Date.now() };
    // Followers need to know that the line lives, but not for each chunk.
    if (Date.now() - this.#beatAt < 1000) return;
    this.#beatAt = Date.now();
    this.#say({ kind: "status", status: this.status, hello: null });
  }

  #setStatus(status: LinkStatus): void {
    const shown = this.status.phase;
    this.status = status;
    if (status.phase === "live") this.#store.streaming(status.devices);
    else this.#store.interrupted();
    if (this.#leading && status.phase !== "live") {
      this.#say({ kind: "status", status, hello: null });
    }
    if (shown !== status.phase) for (const listener of this.#listeners) listener();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
