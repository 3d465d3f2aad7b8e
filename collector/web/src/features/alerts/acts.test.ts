import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import type { Alert } from "../../lib/types";
import { actMany, type Done, doneWords, leftOutWords, reverse, soBefore, undoOf } from "./acts";

afterEach(() => vi.restoreAllMocks());

const NOW = Date.parse("2026-11-22T12:00:00Z");
const SOON = "2026-11-22T13:00:00Z";
const ACK = { at: SOON, by: "a", note: null };
const alert = (id: string, more: Partial<Alert> = {}) => ({ id, phase: "firing", ack: null, silenced_until: null, ...more }) as Alert;

it("sends no more at once than the server takes, and adds up what became of them", async () => {
  const post = vi.spyOn(api, "POST").mockImplementation((async (_: string, { body }: { body: { ids: string[] } }) => ({
    data: { data: { alerts: body.ids.map((id) => ({ id, outcome: ({ alr_0: "resolved", alr_1: "unchanged", alr_2: "gone" } as Record<string, string>)[id] ?? "done" })) } },
    response: new Response(),
  })) as never);
  const ids = Array.from({ length: 250 }, (_, i) => `alr_${i}`);
  const done = await actMany(ids, { act: "ack", note: "on my way" });
  expect(post).toHaveBeenCalledTimes(2);
  expect(post.mock.calls[1]?.[1]).toMatchObject({ body: { ids: ids.slice(200), act: "ack", note: "on my way" } });
  expect(doneWords(done)).toBe("247 alerts acknowledged. 1 was so already. 1 was over already. 1 is gone: it was over before it fired, or is no more.");
  expect(reverse(done)).toEqual({ act: "unack", ids: ids.slice(3) });
});

it("tells what was done before it failed, and takes that back", async () => {
  let calls = 0;
  vi.spyOn(api, "POST").mockImplementation((async (_: string, { body }: { body: { ids: string[] } }) => {
    calls += 1;
    return calls === 3
      ? { error: { detail: "Try again." }, response: new Response(null, { status: 503 }) }
      : { data: { data: { alerts: body.ids.map((id) => ({ id, outcome: "done" })) } }, response: new Response() };
  }) as never);
  const ids = Array.from({ length: 450 }, (_, i) => `alr_${i}`);
  const done = await actMany(ids, { act: "silence", until: SOON });
  expect(doneWords(done)).toBe("400 alerts of 450 silenced.");
  expect(done.error?.message).toBe("Try again.");
  expect(reverse(done)).toEqual({ act: "unsilence", ids: ids.slice(0, 400) });
});

it("throws where nothing was done at all", async () => {
  vi.spyOn(api, "POST").mockResolvedValue({ error: { detail: "No." }, response: new Response(null, { status: 403 }) } as never);
  await expect(actMany(["a"], { act: "ack" })).rejects.toThrow("No.");
});

it("takes back nothing that was so before in another way", () => {
  const rows = [alert("acked", { ack: ACK }), alert("silent", { silenced_until: SOON }), alert("new")];
  expect([...soBefore(rows, "ack", NOW)]).toEqual(["acked"]);
  expect([...soBefore(rows, "silence", NOW)]).toEqual(["silent"]);
  const done: Done = { act: "ack", asked: 3, changed: ["acked", "new"], same: 0, resolved: 0, gone: 0, missed: [], before: soBefore(rows, "ack", NOW), error: null };
  expect(reverse(done)).toEqual({ act: "unack", ids: ["new"] });
  expect(reverse({ ...done, changed: ["acked"] })).toBeNull();
});

it("says what of the chosen is left out", () => {
  expect(leftOutWords({ over: 0, barred: 0 })).toBeNull();
  expect(leftOutWords({ over: 1, barred: 2 })).toBe("1 is gone: it was over before it fired, or is no more. 2 left out: in their tenants you may only look.");
});

it("tells of those that are gone, and has nothing to take back where all of them are", async () => {
  const answer = { data: { data: { alerts: [{ id: "a", outcome: "gone" }, { id: "b", outcome: "gone" }] } }, response: new Response() };
  vi.spyOn(api, "POST").mockResolvedValue(answer as never);
  const done = await actMany(["a", "b"], { act: "ack" });
  expect(doneWords(done)).toBe("No alert acknowledged. 2 are gone: they were over before they fired, or are no more.");
  expect(reverse(done)).toBeNull();
});

it("sends neither an empty note nor an end that is none", async () => {
  const answer = { data: { data: { alerts: [{ id: "alr_1", outcome: "done" }] } }, response: new Response() };
  const post = vi.spyOn(api, "POST").mockResolvedValue(answer as never);
  await actMany(["alr_1"], { act: "unack", note: "" });
  expect(post.mock.calls[0]?.[1]).toEqual({ body: { ids: ["alr_1"], act: "unack" } });
});

it("takes back what was done, and nothing where nothing was", () => {
  const nothing: Done = { act: "silence", asked: 1, changed: [], same: 0, resolved: 1, gone: 0, missed: [], before: new Set(), error: null };
  expect(reverse(nothing)).toBeNull();
  expect(doneWords(nothing)).toBe("No alert silenced. 1 was over already.");
  expect(reverse({ ...nothing, act: "unack", changed: ["a"], resolved: 0 })).toBeNull();
});

it("undoes silence before the rest", () => {
  const [silent, acked, both] = [alert("s", { silenced_until: SOON }), alert("a", { ack: ACK }), alert("b", { ack: ACK, silenced_until: SOON })];
  expect(undoOf([silent, acked, both], NOW)).toEqual({ act: "unsilence", ids: ["s", "b"] });
  expect(undoOf([acked, alert("f")], NOW)).toEqual({ act: "unack", ids: ["a"] });
  expect(undoOf([alert("f"), alert("r", { phase: "resolved", ack: ACK })], NOW)).toBeNull();
});
