import { afterEach, expect, it, vi } from "vitest";
import { serverNow } from "./clock";
import { LiveStore } from "./live";
import { LiveLink } from "./live-link";
import type { Device } from "./types";

/** A server that keeps every stream open and remembers what was asked. */
function server(status = 200) {
  const urls: string[] = [];
  const streams: ReadableStreamDefaultController<Uint8Array>[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    urls.push(url);
    if (status !== 200) return new Response(null, { status });
    if (url.includes("gone")) return new Response(null, { status: 404 });
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        streams.push(controller);
        init.signal?.addEventListener("abort", () => controller.error(new Error("aborted")));
      },
    });
    return new Response(body);
  });
  const send = (id: number, type: string, data: object) =>
    streams.at(-1)?.enqueue(
      new TextEncoder().encode(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`),
    );
  const hello = (sequence: number) =>
    send(sequence, "hello", {
      sequence, server_time: new Date().toISOString(), version: "0", instance: "one",
    });
  return { urls, send, hello };
}

function tab(onSignedOut = () => {}) {
  const source = {
    devices: async () => [],
    device: async (id: string) => (id.includes("gone") ? null : ({ id } as Device)),
    agents: async () => [],
    interfaces: async () => [],
    alerts: async () => [],
    alert: async () => null,
  };
  const host = { frame: (run: () => void) => run(), after: () => {}, now: () => Date.now() };
  const store = new LiveStore(source, host);
  const link = new LiveLink(store, onSignedOut, () => {});
  return { store, link };
}

/** Two tabs of one browser: a channel that all others hear, and a lock that one holds. */
function browser() {
  const channels = new Set<{ listeners: ((message: object) => void)[] }>();
  class Channel {
    listeners: ((message: object) => void)[] = [];
    constructor() {
      channels.add(this);
    }
    addEventListener(_: string, listener: (message: object) => void) {
      this.listeners.push(listener);
    }
    postMessage(message: unknown) {
      const data = structuredClone(message);
      for (const other of channels) {
        if (other !== this) for (const listener of other.listeners) listener({ data });
      }
    }
    close() {
      channels.delete(this);
    }
  }
  vi.stubGlobal("BroadcastChannel", Channel);
  const locks = new Locks();
  vi.stubGlobal("navigator", { locks });
  return locks;
}

type Held = () => Promise<void>;
interface LockOptions {
  signal?: AbortSignal;
  steal?: boolean;
}

/** One lock: the first holds it, the others wait, a thief takes it at once. */
class Locks {
  #lose: ((error: Error) => void) | null = null;
  #queue: (() => void)[] = [];
  thefts = 0;
  request(_: string, options: LockOptions, held: Held): Promise<void> {
    return new Promise((resolve, reject) => {
      const grant = () => {
        this.#lose = reject;
        void held().then(() => {
          if (this.#lose !== reject) return;
          this.#lose = null;
          this.#queue.shift()?.();
          resolve();
        });
      };
      if (options.steal) {
        this.thefts += 1;
        this.#lose?.(new DOMException("stolen", "AbortError"));
      }
      if (options.steal || !this.#lose) grant();
      else this.#queue.push(() => (options.signal?.aborted ? this.#queue.shift()?.() : grant()));
    });
  }
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

it("opens the stream anew for another device and resumes after the last event", async () => {
  vi.stubGlobal("BroadcastChannel", undefined);
  const { urls, send, hello } = server();
  const { store, link } = tab();
  link.start();
  await vi.waitFor(() => expect(urls).toHaveLength(1));
  hello(10);
  send(12, "devices", { patches: [] });
  await vi.waitFor(() => expect(store.sequence).toBe(12));
  expect(link.status.phase).toBe("live");
  const unwatch = link.watch("dev_1");
  await vi.waitFor(() => expect(urls).toHaveLength(2));
  expect(urls).toEqual(["/api/v1/events", "/api/v1/events?device=dev_1&last_event_id=12"]);
  unwatch();
  await vi.waitFor(() => expect(urls).toHaveLength(3));
  link.stop();
});

it("ends the session on 401 and asks no more", async () => {
  vi.stubGlobal("BroadcastChannel", undefined);
  const { urls } = server(401);
  const signedOut = vi.fn();
  const { link } = tab(signedOut);
  link.start();
  await vi.waitFor(() => expect(signedOut).toHaveBeenCalledTimes(1));
  expect(urls).toHaveLength(1);
  link.stop();
});

it("tells a second tab the server's time, however old the greeting is", async () => {
  browser();
  const { urls, hello } = server();
  const first = tab();
  first.link.start();
  await vi.waitFor(() => expect(urls).toHaveLength(1));
  hello(10);
  await vi.waitFor(() => expect(first.link.status.phase).toBe("live"));
  const later = Date.now() + 600_000;
  vi.spyOn(Date, "now").mockReturnValue(later);
  const second = tab();
  second.link.start();
  expect(second.link.status.phase).toBe("live");
  expect(Math.abs(serverNow() - later)).toBeLessThan(5_000);
  second.link.stop();
  first.link.stop();
});

it("leaves out a device that is not there instead of losing the stream", async () => {
  vi.stubGlobal("BroadcastChannel", undefined);
  const { urls, hello } = server();
  const { link } = tab();
  link.watch("dev_1");
  const unwatch = link.watch("gone_2");
  link.start();
  await vi.waitFor(() => expect(urls).toHaveLength(2));
  expect(urls[1]).toBe("/api/v1/events?device=dev_1");
  hello(10);
  await vi.waitFor(() => expect(link.status.phase).toBe("live"));
  expect(link.status.devices).toEqual(["dev_1"]);
  unwatch();
  expect(urls).toHaveLength(2);
  link.stop();
});

it("takes the lock of a tab that is frozen, and that one follows when it wakes", async () => {
  const channels = browser();
  const { urls, hello } = server();
  const first = tab();
  first.link.start();
  await vi.waitFor(() => expect(urls).toHaveLength(1));
  hello(10);
  await vi.waitFor(() => expect(first.link.status.phase).toBe("live"));
  vi.useFakeTimers({ toFake: ["setInterval", "Date"] });
  const second = tab();
  second.link.start();
  expect(second.link.status.phase).toBe("live");
  vi.advanceTimersByTime(50_000);
  expect(channels.thefts).toBe(0);
  vi.advanceTimersByTime(10_000);
  vi.useRealTimers();
  expect(channels.thefts).toBe(1);
  await vi.waitFor(() => expect(urls).toHaveLength(2));
  hello(20);
  await vi.waitFor(() => expect(second.link.status.phase).toBe("live"));
  await vi.waitFor(() => expect(first.store.sequence).toBe(10));
  // The one that slept asks no more: the stream is the other's.
  first.link.watch("dev_1");
  await vi.waitFor(() => expect(urls).toHaveLength(3));
  expect(second.link.status.devices).toEqual(["dev_1"]);
  second.link.stop();
  first.link.stop();
});

it("tells which devices have no place in the stream", async () => {
  vi.stubGlobal("BroadcastChannel", undefined);
  const { urls, hello } = server();
  const { link } = tab();
  const watched = Array.from({ length: 9 }, (_, i) => link.watch(`dev_${i}`));
  link.start();
  await vi.waitFor(() => expect(urls).toHaveLength(1));
  hello(10);
  await vi.waitFor(() => expect(link.status.phase).toBe("live"));
  expect(link.status.devices).toHaveLength(8);
  expect(link.status.without).toEqual(["dev_0"]);
  watched[0]?.();
  expect(link.status.without).toEqual([]);
  expect(urls).toHaveLength(1);
  link.stop();
});
