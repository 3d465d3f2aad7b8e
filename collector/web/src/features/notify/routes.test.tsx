import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { NotificationsPage } from "./notifications-page";
import { RoutePanel } from "./route-panel";
import { answer, channelOf, routeOf, serve, shown } from "./test-parts";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const CHANNELS = "/api/v1/channels";
const ROUTES = "/api/v1/routes";
const SITES = [{ id: "sit_1", name: "Summit" }, { id: "sit_2", name: "Depot" }];
const text = (selector: string) => document.querySelector(selector)?.textContent ?? null;

it("makes the new route before it removes the old one", async () => {
  serve({ "/api/v1/sites": SITES });
  const post = vi.spyOn(api, "POST").mockReturnValue(answer(routeOf({})));
  const remove = vi.spyOn(api, "DELETE").mockReturnValue(answer(null, 204));
  const close = vi.fn();
  shown(<RoutePanel opened={{ route: routeOf({}), channel: null }} channels={[channelOf({})]} onClose={close} />);
  fireEvent.click(await screen.findByLabelText("Depot"));
  fireEvent.click(screen.getByLabelText("Critical"));
  fireEvent.click(screen.getByLabelText("Also when they are resolved"));
  expect(text("[data-sentence]")).toBe("Critical alerts at Depot go to NOC hook, not when they are resolved.");
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(close).toHaveBeenCalled());
  expect(post).toHaveBeenCalledWith(ROUTES, { body: { channel: "chn_1", severity: "critical", sites: ["sit_2"], tags: [], on_resolved: false } });
  expect(remove).toHaveBeenCalledWith("/api/v1/routes/{id}", { params: { path: { id: "rte_1" } } });
  expect(post.mock.invocationCallOrder[0]).toBeLessThan(remove.mock.invocationCallOrder[0] ?? 0);
});

it("keeps the old route where the new one cannot be made", async () => {
  serve({});
  vi.spyOn(api, "POST").mockReturnValue(answer({ title: "Too many routes", detail: "There are too many routes.", code: "full" }, 409));
  const remove = vi.spyOn(api, "DELETE");
  shown(<RoutePanel opened={{ route: routeOf({}), channel: null }} channels={[channelOf({})]} onClose={() => {}} />);
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.getByText("There are too many routes.")).toBeTruthy());
  expect(remove).not.toHaveBeenCalled();
});

it("says so where the new route is made and the old one stays, and makes it no second time", async () => {
  serve({});
  const post = vi.spyOn(api, "POST").mockReturnValue(answer(routeOf({})));
  const close = vi.fn();
  vi.spyOn(api, "DELETE").mockReturnValue(answer({ detail: "The database is busy." }, 503));
  shown(<RoutePanel opened={{ route: routeOf({}), channel: null }} channels={[channelOf({})]} onClose={close} />);
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.getByText(/the old one is still there. The database is busy. Close this/)).toBeTruthy());
  expect(screen.getByRole("button", { name: "Save" }).hasAttribute("disabled")).toBe(true);
  expect([post.mock.calls.length, close.mock.calls.length]).toEqual([1, 0]);
});

it("takes an old route that somebody else has removed for removed", async () => {
  serve({});
  vi.spyOn(api, "POST").mockReturnValue(answer(routeOf({})));
  vi.spyOn(api, "DELETE").mockReturnValue(answer({}, 404));
  const close = vi.fn();
  shown(<RoutePanel opened={{ route: routeOf({}), channel: null }} channels={[channelOf({})]} onClose={close} />);
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(close).toHaveBeenCalled());
});

it("removes a route from its editor, after it has asked", async () => {
  serve({});
  const remove = vi.spyOn(api, "DELETE").mockReturnValue(answer(null, 204));
  const close = vi.fn();
  shown(<RoutePanel opened={{ route: routeOf({}), channel: null }} channels={[channelOf({})]} onClose={close} />);
  fireEvent.click(screen.getByRole("button", { name: "Remove this route…" }));
  expect(remove).not.toHaveBeenCalled();
  fireEvent.click(screen.getByRole("button", { name: "Remove route" }));
  await waitFor(() => expect(close).toHaveBeenCalled());
  expect(remove).toHaveBeenCalledWith("/api/v1/routes/{id}", { params: { path: { id: "rte_1" } } });
});

it("says that nobody is told, and mends it by one click", async () => {
  serve({ [CHANNELS]: [channelOf({})] });
  const post = vi.spyOn(api, "POST").mockReturnValue(answer(routeOf({})));
  shown(<NotificationsPage />);
  await waitFor(() => expect(text("[data-nobody]")).toContain("No route leads to a channel that is on."));
  fireEvent.click(screen.getByRole("button", { name: "Tell NOC hook of warnings and worse" }));
  await waitFor(() => expect(post).toHaveBeenCalledWith(ROUTES, { body: { channel: "chn_1", severity: "warning" } }));
});

it("offers to switch a channel on where routes lead to it and it is off", async () => {
  serve({ [CHANNELS]: [channelOf({ enabled: false })], [ROUTES]: [routeOf({})] });
  const patch = vi.spyOn(api, "PATCH").mockReturnValue(answer(channelOf({})));
  shown(<NotificationsPage />);
  fireEvent.click(await screen.findByRole("button", { name: "Switch NOC hook on" }));
  await waitFor(() => expect(patch).toHaveBeenCalledWith("/api/v1/channels/{id}", { params: { path: { id: "chn_1" } }, body: { enabled: true } }));
});

it("tells of each severity who hears of it, and the sentences of the routes", async () => {
  const lists = {
    [CHANNELS]: [channelOf({}), channelOf({ id: "chn_2", name: "Bus" })],
    [ROUTES]: [routeOf({}), routeOf({ id: "rte_2", channel: { id: "chn_2", name: "Bus" }, severity: "critical", sites: ["sit_2"] })],
    "/api/v1/sites": SITES,
  };
  serve(lists);
  shown(<NotificationsPage />);
  await waitFor(() => expect(text("[data-told=critical]")).toBe("Bus only at Depot, NOC hook"));
  expect(text("[data-told=warning]")).toBe("NOC hook");
  expect(text("[data-told=info]")).toBe("nobody");
  await waitFor(() => expect(screen.getByRole("table", { name: "Routes" }).textContent).toContain("Critical alerts at Depot go to Bus, and again"));
});

it("is loud where nobody hears of warnings, and leads to a route", async () => {
  serve({ [CHANNELS]: [channelOf({})], [ROUTES]: [routeOf({ severity: "critical" })] });
  shown(<NotificationsPage />);
  fireEvent.click(await screen.findByRole("button", { name: "Add a route for warning alerts" }));
  await waitFor(() => expect(screen.getByRole("dialog")).toBeTruthy());
  expect(text("[data-told=info]")).toBe("nobody");
});

it("shows a viewer all of it and no button that changes something", async () => {
  serve({ [CHANNELS]: [channelOf({})] });
  shown(<NotificationsPage />, "viewer");
  await waitFor(() => expect(text("[data-nobody]")).toContain("reach nobody"));
  const buttons = screen.getAllByRole("button").map((button) => button.textContent);
  expect(buttons.filter((name) => !["Told last", "Channel", "Kind", "Target", "State", "Queued"].includes(name))).toEqual([]);
});

it("teaches where there is no channel, and only who may is asked to make one", async () => {
  serve({});
  shown(<NotificationsPage />, "viewer");
  await waitFor(() => expect(screen.getByText("An administrator of the tenant makes one.")).toBeTruthy());
  cleanup();
  shown(<NotificationsPage />);
  await waitFor(() => expect(screen.getByRole("button", { name: "Make a channel" })).toBeTruthy());
});
