import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { ChannelPanel } from "./channel-panel";
import { answer, channelOf, deliveryOf, shown } from "./test-parts";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const type = (label: string, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });
const press = (name: string) => fireEvent.click(screen.getByRole("button", { name }));

it("sends nothing while something is missing", () => {
  const post = vi.spyOn(api, "POST");
  shown(<ChannelPanel opened={{ channel: null }} onClose={() => {}} onRoute={() => {}} />);
  press("Make the channel");
  expect(screen.getByText("A name is needed.")).toBeTruthy();
  expect(screen.getByText("An address is needed, like noc@example.net.")).toBeTruthy();
  expect(post).not.toHaveBeenCalled();
});

it("says why a place is refused, and what lets it out", async () => {
  const problem = { title: "Invalid", code: "invalid", errors: [{ field: "url", message: "notifications do not go there: it leads to a private address" }] };
  vi.spyOn(api, "POST").mockReturnValue(answer(problem, 422));
  shown(<ChannelPanel opened={{ channel: null }} onClose={() => {}} onRoute={() => {}} />);
  fireEvent.click(screen.getByLabelText("Webhook"));
  type("Name", "Inside");
  type("URL", "http://10.1.2.3:8080/hook");
  press("Make the channel");
  await waitFor(() => expect(document.querySelector("[data-field-error=channel-url]")?.textContent).toContain("a private address"));
  const lines = screen.getByRole("group", { name: "For the collector's file" }).textContent;
  for (const line of ['network = "10.1.2.3"', "ports = [8080]", "plain = true"]) expect(lines).toContain(line);
});

it("shows the key once, then the test, then the way to a route; a click beside it closes nothing", async () => {
  const made = { ...channelOf({}), secret: "whsec_abc" };
  const post = vi.spyOn(api, "POST").mockReturnValueOnce(answer(made)).mockReturnValueOnce(answer(deliveryOf({})));
  const close = vi.fn();
  const route = vi.fn();
  shown(<ChannelPanel opened={{ channel: null }} onClose={close} onRoute={route} />);
  fireEvent.click(screen.getByLabelText("Webhook"));
  type("Name", "NOC hook");
  type("URL", "https://hooks.example.com/s");
  press("Make the channel");
  await waitFor(() => expect(screen.getByText("whsec_abc")).toBeTruthy());
  expect(post).toHaveBeenCalledWith("/api/v1/channels", {
    body: { tenant: "ten_1", name: "NOC hook", kind: "webhook", url: "https://hooks.example.com/s" },
  });
  expect(screen.getByRole("group", { name: "Check of the signature" }).textContent).toContain("hmac.compare_digest");
  press("Send a test NOC hook");
  await waitFor(() => expect(screen.getByText("Delivered in 84 ms, answered 204.")).toBeTruthy());
  fireEvent.pointerDown(document.body);
  expect(close).not.toHaveBeenCalled();
  press("Make a route…");
  expect(route).toHaveBeenCalledWith(made);
});

it("changes what differs and leaves a secret that is not typed", async () => {
  const patch = vi.spyOn(api, "PATCH").mockReturnValue(answer({ ...channelOf({}), secret: null }));
  const close = vi.fn();
  shown(<ChannelPanel opened={{ channel: channelOf({}) }} onClose={close} onRoute={() => {}} />);
  expect(screen.getByText(/Now one at hooks.example.com/)).toBeTruthy();
  expect(screen.queryByLabelText("Signing key")).toBeNull();
  type("Name", "NOC");
  fireEvent.click(screen.getByLabelText(/^On/));
  press("Save");
  await waitFor(() => expect(close).toHaveBeenCalled());
  expect(patch).toHaveBeenCalledWith("/api/v1/channels/{id}", { params: { path: { id: "chn_1" } }, body: { name: "NOC", enabled: false } });
});

it("asks for the password anew where the broker is another one", () => {
  const broker = channelOf({ kind: "mqtt", host: "mqtt.example.net:8883", mqtt: { tls: true, topic: "a", user: "ops" } });
  shown(<ChannelPanel opened={{ channel: broker }} onClose={() => {}} onRoute={() => {}} />);
  expect(screen.getByText(/Left empty, it stays/)).toBeTruthy();
  type("Broker", "other.example.net");
  expect(screen.getByText(/Type it anew/)).toBeTruthy();
  type("User", "");
  expect(screen.queryByLabelText("Password")).toBeNull();
});

it("tells what a failed test failed by, and what to do", async () => {
  const attempt = { at: "2026-11-22T10:00:00Z", took_ms: 1, status: null };
  const forbidden = deliveryOf({ state: "failed", attempts: [{ ...attempt, outcome: "forbidden", detail: "it leads to a loopback address" }] });
  vi.spyOn(api, "POST").mockReturnValueOnce(answer({ ...channelOf({ host: "hooks.inside.example:9443" }), secret: null })).mockReturnValueOnce(answer(forbidden));
  shown(<ChannelPanel opened={{ channel: null }} onClose={() => {}} onRoute={() => {}} />);
  fireEvent.click(screen.getByLabelText("Slack"));
  type("Name", "Inside");
  type("URL", "https://hooks.inside.example:9443/s");
  press("Make the channel");
  await waitFor(() => press("Send a test NOC hook"));
  await waitFor(() => expect(screen.getByText(/not allowed: it leads to a loopback address/)).toBeTruthy());
  expect(screen.getByRole("group", { name: "For the collector's file" }).textContent).toContain("ports = [9443]");
});
