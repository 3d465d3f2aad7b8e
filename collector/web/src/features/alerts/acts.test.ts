import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import type { Alert } from "../../lib/types";
import { actMany, doneWords, reverse, undoOf } from "./acts";

afterEach(() => vi.restoreAllMocks());

const NOW = Date.parse("2026-11-22T12:00:00Z");
const SOON = "2026-11-22T13:00:00Z";
const ACK = { at: SOON, by: "a", note: null };
const alert = (id: string, more: Partial<Alert> = {}) => ({ id, phase: "firing", ack: null, silenced_until: null, ...more }) as Alert;

it("sends no more at once than the server takes, and adds up what became of them", async () => {
  const post = vi.spyOn(api, "POST").mockImplementation((async (_: string, { body }: { body: { ids: string[] } }) => ({
    data: { data: { alerts: body.ids.map((id) => ({ id, outcome: id === "alr_0" ? "resolved" : id === "alr_1" ? "unchanged" : "done" })) } },
    response: new Response(),
  })) as never);
  const ids = Array.from({ length: 250 }, (_, i) => `alr_${i}`);
  const done = await actMany(ids, { act: "ack", note: "on my way" });
  expect(post).toHaveBeenCalledTimes(2);
  expect(post.mock.calls[1]?.[1]).toMatchObject({ body: { ids: ids.slice(200), act: "ack", note: "on my way" } });
  expect(doneWords(done)).toBe("248 alerts acknowledged. 1 was so already. 1 was over already.");
  expect(reverse(done)).toEqual({ act: "unack", ids: ids.slice(2) });
});

it("sends neither an empty note nor an end that is none", async () => {
  const answer = { data: { data: { alerts: [{ id: "alr_1", outcome: "done" }] } }, response: new Response() };
  const post = vi.spyOn(api, "POST").mockResolvedValue(answer as never);
  await actMany(["alr_1"], { act: "unack", note: "" });
  expect(post.mock.calls[0]?.[1]).toEqual({ body: { ids: ["alr_1"], act: "unack" } });
});

it("takes back what was done, and nothing where nothing was", () => {
  const nothing = { act: "silence", ids: ["a"], changed: [], resolved: 1 } as const;
  expect(reverse(nothing)).toBeNull();
  expect(doneWords(nothing)).toBe("No alert silenced. 1 was over already.");
  expect(reverse({ act: "unack", ids: ["a"], changed: ["a"], resolved: 0 })).toBeNull();
});

it("undoes silence before the rest", () => {
  const [silent, acked, both] = [alert("s", { silenced_until: SOON }), alert("a", { ack: ACK }), alert("b", { ack: ACK, silenced_until: SOON })];
  expect(undoOf([silent, acked, both], NOW)).toEqual({ act: "unsilence", ids: ["s", "b"] });
  expect(undoOf([acked, alert("f")], NOW)).toEqual({ act: "unack", ids: ["a"] });
  expect(undoOf([alert("f"), alert("r", { phase: "resolved", ack: ACK })], NOW)).toBeNull();
});
