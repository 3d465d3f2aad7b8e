/**
 * What the screens read: the last known value of every device, agent and watched interface.
 *
 * In: events of the stream (`receive`), snapshots by REST (`LiveSource`). Out: tables with row
 * subscriptions. Patches are applied once per animation frame; a hidden tab gets no frames, so it
 * only merges. A snapshot starts when the stream has said hello, so no change falls in between.
 */
import { setServerTime } from "./clock";
import { LiveTable } from "./live-table";
import type {
  Agent, AgentsEvent, Alert, AlertsEvent, Device, DevicesEvent, HelloEvent, Interface, InterfacesEvent,
} from "./types";

export interface LiveEvent {
  /** Local time it came from the server: another tab may hand it on much later. */
  heardAt?: number;
  sequence: number;
  type: string;
  data: unknown;
}

export interface LiveSource {
  devices: () => Promise<Device[]>;
  device: (id: string) => Promise<Device | null>;
  agents: () => Promise<Agent[]>;
  interfaces: (device: string) => Promise<Interface[]>;
  /** Those that are open. */
  alerts: () => Promise<Alert[]>;
  alert: (id: string) => Promise<Alert | null>;
}

export interface LiveHost {
  frame: (callback: () => void) => void;
  after: (ms: number, callback: () => void) => void;
  now: () => number;
}

/** How long a snapshot waits for the stream before it goes ahead alone. */
const HELLO_PATIENCE_MS = 1500;
/** Pauses between tries to load a table: doubled with each failure. */
const RETRY_MS = 3000;
const RETRY_MAX_MS = 60_000;
/** As many new alerts are loaded one by one; more at once are a storm, and the list is loaded. */
const ALERTS_ALONE = 8;
/** Alerts that were resolved while somebody looks stay in sight: the last ones of them. */
const RESOLVED_KEPT = 100;
/** Slots of interface tables: this and the device. */
const INTERFACES = "interfaces ";

/** It was over before it could be loaded. */
class GoneAgain extends Error {}

interface Slot {
  /** The stream carried this table when the last load began. */
  covered: boolean;
  loading: boolean;
  again: boolean;
  /** Failed loads in a row. */
  failures: number;
  load: () => Promise<void>;
  table: {
    phase: string;
    error: Error | null;
    setPhase: (phase: "loading" | "failed", error: Error | null) => void;
  };
}

export class LiveStore {
  readonly devices = new LiveTable<Device>((row) => row.id, ["name", "address", "site", "tenant"]);
  readonly agents = new LiveTable<Agent>((row) => row.id, ["name", "site", "tenant"]);
  /** Open ones, and the last ones that were resolved since the page was opened. */
  readonly alerts = new LiveTable<Alert>((row) => row.id);
  readonly #interfaces = new Map<string, LiveTable<Interface>>();
  readonly #slots = new Map<string, Slot>();
  readonly #source: LiveSource;
  readonly #host: LiveHost;
  readonly #resyncListeners = new Set<() => void>();
  #covered = new Set<string>();
  #instance: string | null = null;
  /** Version of the collector this page was opened with. */
  #version: string | null = null;
  /** The collector is another version by now: the page should be loaded anew. */
  isOutdated = false;
  /** This page may read lists and no single rows, as a screen on the wall: what is new comes with its list. */
  hasListsOnly = false;
  #frameAsked = false;
  /** Newest sequence applied; a new stream resumes after it. */
  sequence: number | null = null;
  /** Commit time of the newest data event, in server milliseconds. */
  committedAt: number | null = null;

  constructor(source: LiveSource, host: LiveHost) {
    this.#source = source;
    this.#host = host;
  }

  interfaces(device: string): LiveTable<Interface> {
    let table = this.#interfaces.get(device);
    if (!table) {
      table = new LiveTable<Interface>((row) => row.object);
      this.#interfaces.set(device, table);
    }
    return table;
  }

  ensureDevices(): void {
    const load = async () => this.devices.replace(await this.#source.devices());
    this.#ensure("devices", this.devices, load);
  }

  ensureAgents(): void {
    const load = async () => this.agents.replace(await this.#source.agents());
    this.#ensure("agents", this.agents, load);
  }

  /** Also loads anew what the stream does not tell, for a page that lists all of it. */
  refreshAgents(): void {
    if (this.#slots.has("agents")) this.#reload("agents");
    else this.ensureAgents();
  }

  /** The same of the devices, after a change of many of them. */
  refreshDevices(): void {
    if (this.#slots.has("devices")) this.#reload("devices");
  }

  ensureAlerts(): void {
    const load = async () => this.alerts.replace(await this.#source.alerts());
    this.#ensure("alerts", this.alerts, load);
  }

  /** These were changed by this person: the stream may be away, and says it otherwise as well. */
  refreshAlerts(ids: readonly string[]): void {
    if (this.#slots.has("alerts")) this.#learnAlerts(ids);
  }

  ensureInterfaces(device: string): void {
    const table = this.interfaces(device);
    const load = async () => table.replace(await this.#source.interfaces(device));
    this.#ensure(INTERFACES + device, table, load);
  }

  /** Those of the devices that are not there, or not for us. */
  async missing(ids: readonly string[]): Promise<string[]> {
    const isMissing = async (id: string) =>
      this.#source.device(id).then((device) => device === null, () => false);
    const answers = await Promise.all(ids.map(isMissing));
    return ids.filter((_, i) => answers[i]);
  }

  /** The user removed it; the stream will say so as well. */
  forgetDevice(id: string): void {
    this.devices.remove(id);
    this.#askFrame();
  }

  dropInterfaces(device: string): void {
    this.#slots.delete(INTERFACES + device);
    // The empty table stays: a page that comes back holds on to it.
    this.#interfaces.get(device)?.clear();
  }

  onResync(listener: () => void): () => void {
    this.#resyncListeners.add(listener);
    return () => this.#resyncListeners.delete(listener);
  }

  /** The stream is open and carries interface events of these devices. */
  streaming(devices: readonly string[]): void {
    const isBack = this.#covered.size === 0;
    this.#covered = new Set(["devices", "agents", "alerts", ...devices.map((id) => INTERFACES + id)]);
    for (const [key, slot] of this.#slots) {
      const isDue = !slot.covered || (isBack && slot.table.phase === "failed");
      if (this.#covered.has(key) && isDue) void this.#load(key, slot);
    }
  }

  /** Loads a table that failed now, not only when its pause is over. */
  retry(table: object): void {
    for (const [key, slot] of this.#slots) if (slot.table === table) void this.#load(key, slot);
  }

  /** The stream is gone; what is loaded now may miss something until it is back. */
  interrupted(): void {
    this.#covered = new Set();
    // The server replays what a new stream missed, but of interfaces only what somebody watched.
    for (const [key, slot] of this.#slots) if (key.startsWith(INTERFACES)) slot.covered = false;
  }

  receive(event: LiveEvent): void {
    if (event.type === "hello") {
      return this.#hello(event.data as HelloEvent, event.heardAt ?? this.#host.now());
    }
    // A hand-over between tabs may bring an event a second time; never go back.
    if (this.sequence !== null && event.sequence < this.sequence) return;
    this.sequence = event.sequence;
    switch (event.type) {
      case "devices": {
        const { patches, removed, committed_at } = event.data as DevicesEvent;
        for (const id of removed ?? []) this.devices.remove(id);
        for (const patch of patches) this.devices.patch(patch);
        this.#committed(committed_at);
        break;
      }
      case "interfaces": {
        const { device, patches, removed, committed_at } = event.data as InterfacesEvent;
        const table = this.#interfaces.get(device);
        for (const object of removed ?? []) table?.remove(object);
        for (const patch of patches) table?.patch(patch);
        this.#committed(committed_at);
        break;
      }
      case "agents":
        for (const patch of (event.data as AgentsEvent).patches) this.agents.patch(patch);
        break;
      case "alerts": {
        const { patches, removed } = event.data as AlertsEvent;
        for (const id of removed ?? []) this.alerts.remove(id);
        for (const patch of patches) this.alerts.patch(patch);
        break;
      }
      case "resync":
        this.#resync();
        return;
      default:
        return;
    }
    this.#askFrame();
  }

  /** Forgets everything: another user may sign in. */
  reset(): void {
    this.#slots.clear();
    this.#covered = new Set();
    for (const table of this.#interfaces.values()) table.clear();
    this.devices.clear();
    this.agents.clear();
    this.alerts.clear();
    this.sequence = null;
    this.#instance = null;
    this.committedAt = null;
  }

  #hello(hello: HelloEvent, heardAt: number): void {
    setServerTime(Date.parse(hello.server_time), heardAt);
    this.#version ??= hello.version;
    this.isOutdated = hello.version !== this.#version;
    const restarted = this.#instance !== null && this.#instance !== hello.instance;
    this.#instance = hello.instance;
    if (this.sequence === null || restarted) this.sequence = hello.sequence;
    if (restarted) this.#resync();
  }

  #committed(at: string | undefined): void {
    if (at) this.committedAt = Math.max(this.committedAt ?? 0, Date.parse(at));
  }

  #resync(): void {
    for (const [key, slot] of this.#slots) void this.#load(key, slot);
    for (const listener of this.#resyncListeners) listener();
  }

  #askFrame(): void {
    if (this.#frameAsked) return;
    this.#frameAsked = true;
    this.#host.frame(() => {
      this.#frameAsked = false;
      this.#flush();
    });
  }

  #flush(): void {
    const unknown = this.devices.flush();
    // Only a page that shows the fleet wants devices it has not asked for.
    if (this.devices.phase === "ready") this.#learnDevices(unknown);
    if (this.agents.flush().length > 0) this.#reload("agents");
    this.#flushAlerts();
    for (const [device, table] of this.#interfaces) {
      if (table.flush().length > 0) this.#reload(INTERFACES + device);
    }
  }

  #flushAlerts(): void {
    const before = this.alerts.version;
    const unknown = this.alerts.flush();
    if (this.alerts.phase === "ready") this.#learnAlerts(unknown);
    if (this.alerts.version === before) return;
    const resolved = this.alerts.list().filter(({ phase }) => phase === "resolved");
    if (resolved.length <= RESOLVED_KEPT) return;
    const byEnd = resolved.toSorted((a, b) => Date.parse(a.resolved_at ?? "") - Date.parse(b.resolved_at ?? ""));
    for (const { id } of byEnd.slice(0, -RESOLVED_KEPT)) this.alerts.remove(id);
    this.alerts.flush();
  }

  #learnDevices(ids: readonly string[]): void {
    if (!this.hasListsOnly) for (const id of ids) void this.#fetchDevice(id);
    else if (ids.length > 0) this.#reload("devices");
  }

  #learnAlerts(ids: readonly string[]): void {
    if (ids.length > ALERTS_ALONE || (this.hasListsOnly && ids.length > 0)) {
      this.#reload("alerts");
      return;
    }
    for (const id of ids) {
      const load = async () => {
        const alert = await this.#source.alert(id);
        if (!alert) throw new GoneAgain();
        return alert;
      };
      // Its next patch may be hours away: what could not be loaded alone comes with the list, which says so if it fails.
      void this.alerts.fetch(id, load).catch((error: unknown) => error instanceof GoneAgain || this.#reload("alerts"));
    }
  }

  /** Loads a table again that has learned of rows it does not hold. */
  #reload(key: string): void {
    const slot = this.#slots.get(key);
    if (slot?.table.phase === "ready") void this.#load(key, slot);
  }

  async #fetchDevice(id: string): Promise<void> {
    await this.devices
      .fetch(id, async () => {
        const device = await this.#source.device(id);
        if (!device) throw new Error("gone again");
        return device;
      })
      .catch(() => {});
  }

  #ensure(key: string, table: Slot["table"], load: () => Promise<void>): void {
    if (this.#slots.has(key)) return;
    const slot: Slot = { covered: false, loading: false, again: false, failures: 0, load, table };
    this.#slots.set(key, slot);
    if (this.#covered.has(key)) {
      void this.#load(key, slot);
      return;
    }
    this.#host.after(HELLO_PATIENCE_MS, () => {
      if (this.#slots.get(key) === slot && slot.table.phase === "idle") void this.#load(key, slot);
    });
  }

  async #load(key: string, slot: Slot): Promise<void> {
    slot.covered = this.#covered.has(key);
    if (slot.loading) {
      slot.again = true;
      return;
    }
    slot.loading = true;
    // What went wrong stays in sight until it goes right.
    slot.table.setPhase("loading", slot.table.error);
    try {
      await slot.load();
      slot.failures = 0;
      this.#askFrame();
    } catch (error) {
      this.#failed(key, slot, error instanceof Error ? error : new Error(String(error)));
    }
    slot.loading = false;
    if (slot.again && this.#slots.get(key) === slot) {
      slot.again = false;
      await this.#load(key, slot);
    }
  }

  #failed(key: string, slot: Slot, error: Error): void {
    if (this.#slots.get(key) !== slot) return;
    slot.table.setPhase("failed", error);
    const failures = (slot.failures += 1);
    this.#host.after(Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** (failures - 1)), () => {
      const isDue = slot.failures === failures && slot.table.phase === "failed";
      if (isDue && this.#slots.get(key) === slot) void this.#load(key, slot);
    });
  }
}
