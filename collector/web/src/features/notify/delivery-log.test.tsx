import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { DeliveryLog } from "./delivery-log";
import { channelOf, deliveryOf, serve, shown } from "./test-parts";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const PATH = "/api/v1/channels/{id}/deliveries";
const refused = (second: number) => ({
  at: `2026-11-22T10:00:0${second}Z`, took_ms: 12, outcome: "refused", status: 503, detail: "answered 503",
});
const RETRYING = deliveryOf({
  id: "ntf_2", key: "alr_1-1-chn_1", alert: "alr_1", event: "alert.firing", summary: "r1 is down", state: "queued", ended_at: null,
  next_at: new Date(Date.now() + 90_500).toISOString(), attempts: [refused(1), refused(2)],
});

it("tells tries, the next one, the cause and the way to the alert; opened, every attempt and its key", async () => {
  serve({ [PATH]: [RETRYING] });
  shown(<DeliveryLog channel={channelOf({ waiting: 1 })} search={{}} onSearch={() => {}} />);
  const link = await screen.findByRole("link", { name: "r1 is down" });
  expect(link.getAttribute("href")).toBe("/alerts/alr_1");
  const row = link.closest("tr")?.textContent ?? "";
  for (const word of ["Firing", "Retrying", "refused: answered 503"]) expect(row).toContain(word);
  expect(row).toMatch(/2.*in (89|90|91) s/);
  fireEvent.click(screen.getByRole("button", { name: "Details" }));
  expect(screen.getByText("alr_1-1-chn_1")).toBeTruthy();
  expect(screen.getByRole("list", { name: "Attempts" }).children).toHaveLength(2);
  expect(screen.getByText(/its log says which/)).toBeTruthy();
});

it("waits for a channel that is off", async () => {
  serve({ [PATH]: [RETRYING] });
  shown(<DeliveryLog channel={channelOf({ enabled: false })} search={{}} onSearch={() => {}} />);
  expect(await screen.findByText("once it is on")).toBeTruthy();
});

it("asks the server for the state that is chosen, and says where there is none", async () => {
  const get = serve({});
  const search = vi.fn();
  shown(<DeliveryLog channel={channelOf({})} search={{ state: "failed" }} onSearch={search} />);
  await waitFor(() => expect(get).toHaveBeenCalledWith(PATH, { params: { path: { id: "chn_1" }, query: { limit: 50, state: "failed" } } }));
  fireEvent.click(await screen.findByRole("button", { name: "Show every state" }));
  expect(search).toHaveBeenCalledWith({ state: undefined });
});

it("gives the lines that allow a place, where one was not allowed", async () => {
  const forbidden = { ...refused(1), outcome: "forbidden", status: null, detail: "a private address" };
  const broker = channelOf({ kind: "mqtt", host: "10.0.0.7:1883", mqtt: { tls: false, topic: "t", user: null } });
  serve({ [PATH]: [deliveryOf({ ...RETRYING, attempts: [forbidden] })] });
  shown(<DeliveryLog channel={broker} search={{}} onSearch={() => {}} />);
  fireEvent.click(await screen.findByRole("button", { name: "Details" }));
  const lines = document.querySelector("[data-detail] pre")?.textContent ?? "";
  for (const line of ['network = "10.0.0.7"', "ports = [1883]", "plain = true"]) expect(lines).toContain(line);
});

it("tells that another channel fails by its words, and calls only a test sent by hand", async () => {
  const failing = deliveryOf({ id: "ntf_3", event: "channel.failing", summary: "The channel «Pager» takes no notifications" });
  serve({ [PATH]: [failing, deliveryOf({})] });
  shown(<DeliveryLog channel={channelOf({})} search={{}} onSearch={() => {}} />);
  expect(await screen.findByText("The channel «Pager» takes no notifications")).toBeTruthy();
  expect(screen.getAllByText("Sent by hand")).toHaveLength(1);
});
