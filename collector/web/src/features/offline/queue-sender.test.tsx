import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { meQuery } from "../../lib/session";
import type { Me } from "../../lib/types";
import { perform } from "../alerts/perform";
import { QueueSender } from "./queue-sender";

vi.mock("../alerts/perform", () => ({ perform: vi.fn(async () => {}) }));

const me = (id: string) => ({ user: { id } }) as Me;
const waits = [{ id: "a", at: Date.now(), act: "ack", alerts: ["alr_1"], label: "r1 is down" }];
const QUEUE = "farwatch.queue.usr_1";
const reload = vi.fn<() => void>();

beforeEach(() => vi.stubGlobal("location", { reload }));
afterEach(() => {
  cleanup();
  localStorage.clear();
  vi.mocked(perform).mockClear();
  reload.mockReset();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** The tab of `usr_1`, open all the time; the cookie is of `who` by now. */
function open(who: string) {
  const get = vi.spyOn(api, "GET").mockImplementation((async () => ({ data: { data: me(who) }, response: new Response() })) as never);
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  queries.setQueryData(meQuery.queryKey, me("usr_1"));
  render(<QueryClientProvider client={queries}><QueueSender user="usr_1" /></QueryClientProvider>);
  return get;
}

it("sends what waits as who did it", async () => {
  localStorage.setItem(QUEUE, JSON.stringify(waits));
  open("usr_1");
  await waitFor(() => expect(localStorage.getItem(QUEUE)).toBe("[]"));
  expect(perform).toHaveBeenCalledOnce();
  expect(reload).not.toHaveBeenCalled();
});

it("sends nothing once somebody else is signed in, also in a tab that was open all the time", async () => {
  localStorage.setItem(QUEUE, JSON.stringify(waits));
  open("usr_2");
  await waitFor(() => expect(reload).toHaveBeenCalledOnce());
  expect(perform).not.toHaveBeenCalled();
  expect(JSON.parse(localStorage.getItem(QUEUE) ?? "[]")).toHaveLength(1);
});

it("asks nothing where nothing waits", async () => {
  const get = open("usr_1");
  await Promise.resolve();
  expect(get).not.toHaveBeenCalled();
});
