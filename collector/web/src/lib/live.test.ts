import { describe, expect, it, vi } from "vitest";
import { LiveStore, type LiveSource } from "./live";
import type { Alert, Device, Interface } from "./types";

const device = (id: string, more: Partial<Device> = {}): Device => ({
  id, name: id, tenant: { id: "ten_1", name: "T" }, site: { id: "sit_1", name: "S" },
  agent: { id: "agt_1", name: "A" }, address: "192.0.2.1", state: "up", cause: null,
  sys_name: null, model: null, sys_object_id: null, uptime_s: null, interfaces_up: 0,
  interfaces_total: 0, in_bps: 1, out_bps: 1, rtt_ms: null, last_sample_at: null,
  cpu_percent: null, temperature_celsius: null, snmp_poll: null, icmp: null,
  tags: [], interval_s: 5, created_at: "2026-01-01T00:00:00Z", ...more,
});
const port = (object: string, in_bps: number) => ({ object, in_bps }) as Interface;
const alert = (id: string, more: Partial<Alert> = {}) => ({ id, phase: "firing", severity: "critical", ...more }) as Alert;

function hello(sequence: number, instance = "one") {
  const data = { sequence, server_time: new Date().toISOString(), version: "0", instance };
  return { sequence, type: "hello", data };
}
function patched(sequence: number, patches: Partial<Device>[], removed: string[] = []) {
  return { sequence, type: "devices", data: { patches, removed } };
}

function setup(over: Partial<LiveSource> = {}, pauses: number[] = []) {
  const frames: (() => void)[] = [];
  const timers: (() => void)[] = [];
  const source = {
    devices: vi.fn(async () => [device("a"), device("b")]),
    device: vi.fn(async (id: string) => device(id, { name: "fetched" })),
    agents: vi.fn(async () => []),
    interfaces: vi.fn(async () => [port("if:1", 1)]),
    alerts: vi.fn(async () => [alert("x")]),
    alert: vi.fn(async (id: string) => alert(id)),
    ...over,
  };
  const store = new LiveStore(source, {
    frame: (run) => frames.push(run),
    after: (ms, run) => {
      pauses.push(ms);
      timers.push(run);
    },
    now: () => Date.now(),
  });
  const frame = () => frames.splice(0).forEach((run) => run());
  const time = () => timers.splice(0).forEach((run) => run());
  return { store, source, frame, time, frames };
}

async function ready(over: Partial<LiveSource> = {}) {
  const all = setup(over);
  all.store.receive(hello(10));
  all.store.streaming([]);
  all.store.ensureDevices();
  await vi.waitFor(() => expect(all.store.devices.phase).toBe("ready"));
  all.frame();
  return all;
}

describe("LiveStore", () => {
  it("loads the snapshot only when the stream has said hello", async () => {
    const { store, source } = setup();
    store.ensureDevices();
    expect(source.devices).not.toHaveBeenCalled();
    store.receive(hello(1));
    store.streaming([]);
    await vi.waitFor(() => expect(store.devices.size).toBe(2));
  });

  it("goes ahead without a stream, and loads again when it comes", async () => {
    const { store, source, time } = setup();
    store.ensureDevices();
    time();
    await vi.waitFor(() => expect(store.devices.size).toBe(2));
    store.streaming([]);
    expect(source.devices).toHaveBeenCalledTimes(2);
  });

  it("applies many patches in one frame and tells each row once", async () => {
    const { store, frame, frames } = await ready();
    const row = vi.fn();
    const other = vi.fn();
    store.devices.subscribeRow("a", row);
    store.devices.subscribeRow("b", other);
    store.receive(patched(11, [{ id: "a", in_bps: 5 }]));
    store.receive(patched(12, [{ id: "a", out_bps: 6 }]));
    expect(frames).toHaveLength(1);
    expect(store.devices.get("a")?.in_bps).toBe(1);
    frame();
    expect(store.devices.get("a")).toMatchObject({ in_bps: 5, out_bps: 6, name: "a" });
    expect(row).toHaveBeenCalledTimes(1);
    expect(other).not.toHaveBeenCalled();
  });

  it("holds patches that arrive while a snapshot is on its way", async () => {
    let finish: (rows: Device[]) => void = () => {};
    const slow = () => new Promise<Device[]>((resolve) => (finish = resolve));
    const { store, frame } = setup({ devices: vi.fn(slow) });
    store.receive(hello(1));
    store.streaming([]);
    store.ensureDevices();
    store.receive(patched(2, [{ id: "a", in_bps: 9 }]));
    frame();
    finish([device("a", { in_bps: 3 })]);
    await vi.waitFor(() => expect(store.devices.phase).toBe("ready"));
    await vi.waitFor(() => {
      frame();
      expect(store.devices.get("a")?.in_bps).toBe(9);
    });
  });

  it("never goes back to an older event", async () => {
    const { store, frame } = await ready();
    store.receive(patched(20, [{ id: "a", in_bps: 20 }]));
    store.receive(patched(19, [{ id: "a", in_bps: 19 }]));
    frame();
    expect(store.devices.get("a")?.in_bps).toBe(20);
    expect(store.sequence).toBe(20);
  });

  it("fetches a device it does not know and drops one that is gone", async () => {
    const { store, source, frame } = await ready();
    store.receive(patched(11, [{ id: "new", in_bps: 1 }], ["b"]));
    frame();
    expect(source.device).toHaveBeenCalledWith("new");
    await vi.waitFor(() => expect(store.devices.get("new")?.name).toBe("fetched"));
    expect(store.devices.get("b")).toBeUndefined();
  });

  it("loads the list for what is new where single rows are not to be read", async () => {
    const { store, source, frame } = await ready();
    store.hasListsOnly = true;
    vi.mocked(source.devices).mockResolvedValue([device("a"), device("new", { name: "of the list" })]);
    store.receive(patched(11, [{ id: "new", in_bps: 1 }]));
    frame();
    await vi.waitFor(() => expect(store.devices.get("new")?.name).toBe("of the list"));
    expect(source.device).not.toHaveBeenCalled();
  });

  it("keeps what it hears of a device while that is on its way", async () => {
    const { store, source, frame } = await ready();
    let finish: (device: Device) => void = () => {};
    const load = () => new Promise<Device>((resolve) => (finish = resolve));
    const loaded = store.devices.fetch("new", load);
    store.receive(patched(11, [{ id: "new", in_bps: 7 }]));
    frame();
    expect(source.device).not.toHaveBeenCalled();
    finish(device("new"));
    await loaded;
    expect(store.devices.get("new")).toMatchObject({ name: "new", in_bps: 7 });
  });

  it("loads everything anew on resync and on a restarted server", async () => {
    const { store, source } = await ready();
    const told = vi.fn();
    store.onResync(told);
    store.receive({ sequence: 30, type: "resync", data: {} });
    await vi.waitFor(() => expect(source.devices).toHaveBeenCalledTimes(2));
    await vi.waitFor(() => expect(store.devices.phase).toBe("ready"));
    store.receive(hello(3, "two"));
    await vi.waitFor(() => expect(source.devices).toHaveBeenCalledTimes(3));
    expect(store.sequence).toBe(3);
    expect(told).toHaveBeenCalledTimes(2);
  });

  it("knows when the collector became another version", async () => {
    const { store } = await ready();
    store.receive(hello(3, "two"));
    expect(store.isOutdated).toBe(false);
    const next = hello(4, "three");
    store.receive({ ...next, data: { ...next.data, version: "1" } });
    expect(store.isOutdated).toBe(true);
  });

  it("shows a failed load and tries again", async () => {
    const devices = vi.fn<() => Promise<Device[]>>();
    devices.mockRejectedValueOnce(new Error("503")).mockResolvedValue([device("a")]);
    const { store, time } = setup({ devices });
    store.streaming([]);
    store.ensureDevices();
    await vi.waitFor(() => expect(store.devices.phase).toBe("failed"));
    time();
    await vi.waitFor(() => expect(store.devices.size).toBe(1));
  });

  it("loads the agents again for a page that lists them", async () => {
    const { store, source } = await ready();
    store.ensureAgents();
    await vi.waitFor(() => expect(store.agents.phase).toBe("ready"));
    store.ensureAgents();
    expect(source.agents).toHaveBeenCalledTimes(1);
    store.refreshAgents();
    expect(source.agents).toHaveBeenCalledTimes(2);
  });

  it("keeps the failure in sight while it tries again, less and less often", async () => {
    const pauses: number[] = [];
    const devices = vi.fn<() => Promise<Device[]>>().mockRejectedValue(new Error("503"));
    const { store, time } = setup({ devices }, pauses);
    store.streaming([]);
    store.ensureDevices();
    const failed = (times: number) =>
      vi.waitFor(() => {
        expect(devices).toHaveBeenCalledTimes(times);
        expect(store.devices.phase).toBe("failed");
      });
    await failed(1);
    time();
    expect([store.devices.phase, store.devices.error?.message]).toEqual(["loading", "503"]);
    await failed(2);
    expect(pauses).toEqual([3000, 6000]);
    // Nothing but a stream that comes back, or a hand, goes ahead of the pause.
    store.streaming([]);
    await failed(2);
    store.interrupted();
    store.streaming([]);
    await failed(3);
    devices.mockResolvedValue([device("a")]);
    store.retry(store.devices);
    await vi.waitFor(() => expect(store.devices.size).toBe(1));
    expect(store.devices.error).toBeNull();
  });

  it("loads interfaces once the stream carries them and patches only watched ones", async () => {
    const { store, source, frame } = await ready();
    store.ensureInterfaces("a");
    expect(source.interfaces).not.toHaveBeenCalled();
    store.streaming(["a"]);
    await vi.waitFor(() => expect(store.interfaces("a").size).toBe(1));
    const event = (dev: string) => ({ device: dev, patches: [{ object: "if:1", in_bps: 7 }] });
    store.receive({ sequence: 40, type: "interfaces", data: event("a") });
    store.receive({ sequence: 40, type: "interfaces", data: event("other") });
    frame();
    expect(store.interfaces("a").get("if:1")?.in_bps).toBe(7);
    expect(store.interfaces("other").size).toBe(0);
  });

  it("loads only the interfaces again when another device is watched too", async () => {
    const { store, source } = await ready();
    store.ensureInterfaces("a");
    store.streaming(["a"]);
    await vi.waitFor(() => expect(store.interfaces("a").phase).toBe("ready"));
    store.interrupted();
    store.streaming(["a", "b"]);
    await vi.waitFor(() => expect(source.interfaces).toHaveBeenCalledTimes(2));
    expect(source.devices).toHaveBeenCalledTimes(1);
  });

  it("loads an interface it does not know and drops one that is gone", async () => {
    const interfaces = vi.fn<LiveSource["interfaces"]>();
    interfaces.mockResolvedValueOnce([port("if:1", 1), port("if:2", 1)]);
    interfaces.mockResolvedValue([port("if:2", 1), port("if:3", 1)]);
    const { store, frame } = await ready({ interfaces });
    store.ensureInterfaces("a");
    store.streaming(["a"]);
    await vi.waitFor(() => expect(store.interfaces("a").phase).toBe("ready"));
    const data = { device: "a", patches: [], removed: ["if:1"] };
    store.receive({ sequence: 40, type: "interfaces", data });
    frame();
    expect(store.interfaces("a").list().map((row) => row.object)).toEqual(["if:2"]);
    expect(interfaces).toHaveBeenCalledTimes(1);
    const patches = [{ object: "if:3", in_bps: 7 }];
    store.receive({ sequence: 41, type: "interfaces", data: { device: "a", patches } });
    frame();
    await vi.waitFor(() => expect(store.interfaces("a").get("if:3")).toBeDefined());
  });

  it("counts a change of names, and no other", async () => {
    const { store, frame } = await ready();
    const before = store.devices.naming;
    store.receive(patched(11, [{ id: "a", in_bps: 2 }]));
    frame();
    expect(store.devices.naming).toBe(before);
    store.receive(patched(12, [{ id: "a", name: "core-1" }]));
    frame();
    expect(store.devices.naming).toBe(before + 1);
    store.receive(patched(13, [], ["b"]));
    frame();
    expect(store.devices.naming).toBe(before + 2);
  });
});

describe("alerts of the LiveStore", () => {
  const told = (sequence: number, patches: Partial<Alert>[], removed: string[] = []) =>
    ({ sequence, type: "alerts", data: { patches, removed } });

  async function watching(over: Partial<LiveSource> = {}) {
    const all = setup(over);
    all.store.receive(hello(10));
    all.store.streaming([]);
    all.store.ensureAlerts();
    await vi.waitFor(() => expect(all.store.alerts.phase).toBe("ready"));
    all.frame();
    return all;
  }

  it("patches what it holds, loads what is new, and lets go of what came to nothing", async () => {
    const { store, source, frame } = await watching();
    store.receive(told(11, [{ id: "x", unknown: true }, { id: "y", phase: "pending" }]));
    frame();
    expect(store.alerts.get("x")).toMatchObject({ phase: "firing", unknown: true });
    await vi.waitFor(() => expect(store.alerts.get("y")).toBeDefined());
    expect(source.alert).toHaveBeenCalledExactlyOnceWith("y");
    store.receive(told(12, [], ["y"]));
    frame();
    expect(store.alerts.list().map(({ id }) => id)).toEqual(["x"]);
  });

  it("loads the list where one that is new could not be loaded alone, and lets go of what is gone again", async () => {
    const { store, source, frame } = await watching({ alert: vi.fn(async () => null) });
    store.receive(told(11, [{ id: "gone", phase: "firing" }]));
    frame();
    await vi.waitFor(() => expect(source.alert).toHaveBeenCalledOnce());
    expect(source.alerts).toHaveBeenCalledOnce();
    vi.mocked(source.alert).mockRejectedValue(new Error("502"));
    vi.mocked(source.alerts).mockResolvedValue([alert("x"), alert("y")]);
    store.receive(told(12, [{ id: "y", phase: "firing" }]));
    frame();
    await vi.waitFor(() => expect(store.alerts.get("y")).toBeDefined());
  });

  it("does not bring back what was removed while it was on its way", async () => {
    let answer: (row: Alert) => void = () => {};
    const { store, frame } = await watching({ alert: () => new Promise((resolve) => (answer = resolve)) });
    store.receive(told(11, [{ id: "y", phase: "pending" }]));
    frame();
    store.receive(told(12, [], ["y"]));
    frame();
    answer(alert("y"));
    await Promise.resolve();
    await Promise.resolve();
    expect(store.alerts.get("y")).toBeUndefined();
  });

  it("keeps the later of two answers for one row, and what was told meanwhile", async () => {
    const answers: ((row: Alert) => void)[] = [];
    const { store, frame } = await watching({ alert: () => new Promise((resolve) => answers.push(resolve)) });
    store.refreshAlerts(["x"]);
    store.refreshAlerts(["x"]);
    answers[1]?.({ ...alert("x"), summary: "second" });
    await vi.waitFor(() => expect(store.alerts.get("x")?.summary).toBe("second"));
    store.receive(told(11, [{ id: "x", phase: "resolved" }]));
    frame();
    answers[0]?.({ ...alert("x"), summary: "first" });
    await Promise.resolve();
    await Promise.resolve();
    expect(store.alerts.get("x")).toMatchObject({ summary: "second", phase: "resolved" });
  });

  it("loads the list where many are new at once", async () => {
    const { store, source, frame } = await watching();
    const storm = Array.from({ length: 9 }, (_, i) => ({ id: `s${i}`, phase: "firing" as const }));
    store.receive(told(11, storm));
    frame();
    await vi.waitFor(() => expect(source.alerts).toHaveBeenCalledTimes(2));
    expect(source.alert).not.toHaveBeenCalled();
  });

  it("keeps the last hundred that are resolved", async () => {
    const many = Array.from({ length: 102 }, (_, i) => alert(`r${i}`));
    const { store, frame } = await watching({ alerts: async () => [alert("x"), ...many] });
    store.receive(told(11, many.map(({ id }, i) =>
      ({ id, phase: "resolved" as const, resolved_at: new Date(i * 1000).toISOString() }))));
    frame();
    expect(store.alerts.size).toBe(101);
    expect(store.alerts.get("r1")).toBeUndefined();
    expect(store.alerts.get("r2")).toBeDefined();
  });
});
