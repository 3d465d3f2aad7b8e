import { afterEach, expect, it, vi } from "vitest";
import { LiveStore } from "./live";
import { LiveLink } from "./live-link";

/** A server that keeps every stream open and remembers what was asked. */
function server(status = 200) {
  const urls: string[] = [];
  const streams: ReadableStreamDefaultController<Uint8Array>[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    urls.push(url);
    if (status !== 200) return new Response(null, { status });
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
    devices: async () => [], device: async () => null, agents: async () => [], interfaces: async () => [],
  };
  const host = { frame: (run: () => void) => run(), after: () => {}, now: () => Date.now() };
  const store = new LiveStore(source, host);
  const link = new LiveLink(store, onSignedOut, () => {});
  return { store, link };
}

afterEach(() => vi.unstubAllGlobals());

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
