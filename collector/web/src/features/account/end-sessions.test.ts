import { expect, it, vi } from "vitest";
import { ApiError, api } from "../../lib/api";
import { endOtherSessions } from "./end-sessions";

const page = (next_cursor: string | null, ...sessions: readonly [string, boolean][]) => ({
  data: { data: sessions.map(([id, current]) => ({ id, current })), meta: { next_cursor, total: null } },
  response: new Response(),
});
const answer = (status: number) => ({ error: {}, response: new Response(null, { status }) }) as never;

it("ends every other session of all pages, and not this one", async () => {
  vi.spyOn(api, "GET").mockResolvedValueOnce(page("c", ["a", false], ["b", true]) as never)
    .mockResolvedValueOnce(page(null, ["c", false]) as never);
  const end = vi.spyOn(api, "DELETE").mockResolvedValueOnce(answer(404)).mockResolvedValue(answer(204));
  await endOtherSessions();
  for (const id of ["a", "c"]) expect(end).toHaveBeenCalledWith("/api/v1/sessions/{id}", { params: { path: { id } } });
  expect(end).toHaveBeenCalledTimes(2);
});

it("tells what went wrong", async () => {
  vi.spyOn(api, "GET").mockResolvedValue(page(null, ["a", false]) as never);
  vi.spyOn(api, "DELETE").mockResolvedValue(answer(503));
  await expect(endOtherSessions()).rejects.toBeInstanceOf(ApiError);
});
