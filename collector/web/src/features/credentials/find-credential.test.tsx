import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { live } from "../../lib/live-app";
import { ScopeContext, scopeOf } from "../../lib/scope";
import type { Agent, Found } from "../../lib/types";
import { AddDeviceForm } from "../fleet/add-device";
import { candidatesOf } from "./find-credential";
import { NEW_DRAFT } from "./snmp-draft";

/** Connected. */
const HERE = { state: "up", last_seen_at: new Date().toISOString() };

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

function show() {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <ScopeContext value={scopeOf([{ id: "Customer", name: "Customer", role: "operator" }], undefined)}><AddDeviceForm onDone={() => {}} /></ScopeContext>
    </QueryClientProvider>,
  );
}

it("tries what is typed, and nothing that is not", () => {
  expect(candidatesOf(NEW_DRAFT)).toEqual([]);
  expect(candidatesOf({ ...NEW_DRAFT, version: "v1", community: "c" })).toEqual([{ version: "v1", community: "c" }]);
});

const blank = { credential: null, profile: null, in_force: true, instead: null, version: "v2c", cause: null, advice: null, rtt_ms: null, sys_name: null, sys_descr: null, sys_object_id: null, address: null } as const;

it("shows each outcome, and takes over the version of the profile that works in place of what is typed", async () => {
  const ref = (name: string) => ({ id: name, name });
  const agent = { id: "agt_1", name: "box-1", site: ref("Depot"), tenant: ref("Customer"), revoked_at: null, ...HERE };
  live.agents.replace([agent as unknown as Agent]);
  const found: Found = {
    candidates: 3, not_tried: 1, ping: null, left_out: [{ profile: ref("Old"), reason: "damaged" }],
    outcomes: [
      { ...blank, credential: 0, ok: false, cause: "timeout" },
      { ...blank, profile: { ...ref("Core switches"), site: null, tag: "core" }, version: "v3", ok: true, sys_name: "core-1" },
    ],
  };
  const post = vi.spyOn(api, "POST").mockResolvedValue({ data: { data: found }, response: new Response() } as never);
  const shown = vi.spyOn(Element.prototype, "scrollIntoView");
  show();
  const button = screen.getByRole("button", { name: "Find credential" });
  expect(button.hasAttribute("disabled")).toBe(true);
  fireEvent.change(screen.getByLabelText("Address"), { target: { value: "192.0.2.1" } });
  fireEvent.change(screen.getByLabelText("Community"), { target: { value: "guess" } });
  fireEvent.click(button);
  await waitFor(() => expect(screen.getByText("Core switches · v3")).toBeTruthy());
  expect(shown.mock.contexts[0]).toBe(document.querySelector("[data-found]"));
  expect(screen.getByText(/only for devices tagged «core»/)).toBeTruthy();
  expect(screen.getByText(/cannot be read: «Old»/)).toBeTruthy();
  expect(post.mock.calls[0]?.[1]).toMatchObject({ params: { path: { id: "agt_1" } }, body: { host: "192.0.2.1", profiles: true, tags: [] } });
  expect(screen.getByText("What is typed above · v2c")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Use it" }));
  expect(screen.getByRole("button", { name: "Will be used" }).hasAttribute("disabled")).toBe(true);
  fireEvent.click(screen.getByRole("button", { name: "Add device" }));
  await waitFor(() => expect(post).toHaveBeenCalledTimes(2));
  // The profile's own secret is taken by the server: the form sends none, but the tag that the profile is for.
  expect(post.mock.calls[1]?.[1]).toEqual({
    body: { agent: "agt_1", address: "192.0.2.1", interval_s: 60, snmp: { version: "v3" }, tags: ["core"] },
  });
});

it("offers none that would not be in force, and forgets what it found when the host is another", async () => {
  const ref = (name: string) => ({ id: name, name });
  const agent = { id: "agt_1", name: "box-1", site: ref("Depot"), tenant: ref("Customer"), revoked_at: null, ...HERE };
  live.agents.replace([agent as unknown as Agent]);
  const profile = { ...ref("All"), site: null, tag: null };
  const found: Found = {
    candidates: 1, not_tried: 0, ping: null, left_out: [],
    outcomes: [{ ...blank, profile, ok: true, in_force: false, instead: ref("Depot's") }],
  };
  vi.spyOn(api, "POST").mockResolvedValue({ data: { data: found }, response: new Response() } as never);
  show();
  const search = async () => {
    fireEvent.click(screen.getByRole("button", { name: "Find credential" }));
    await waitFor(() => expect(screen.getByText("All · v2c")).toBeTruthy());
  };
  fireEvent.change(screen.getByLabelText("Address"), { target: { value: "192.0.2.1" } });
  await search();
  expect(screen.getByText(/«Depot's» is closer to this device/)).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Use it" })).toBeNull();
  fireEvent.change(screen.getByLabelText("Address"), { target: { value: "192.0.2.2" } });
  await waitFor(() => expect(screen.queryByText("All · v2c")).toBeNull());
  await search();
  // Another tag may bring another profile closer.
  fireEvent.change(screen.getByLabelText("Tags"), { target: { value: "roof" } });
  fireEvent.blur(screen.getByLabelText("Tags"));
  await waitFor(() => expect(screen.queryByText("All · v2c")).toBeNull());
});

it("forgets that what was typed works when something else is typed", async () => {
  const ref = (name: string) => ({ id: name, name });
  const agent = { id: "agt_1", name: "box-1", site: ref("Depot"), tenant: ref("Customer"), revoked_at: null, ...HERE };
  live.agents.replace([agent as unknown as Agent]);
  const found: Found = {
    candidates: 1, not_tried: 0, ping: null, left_out: [], outcomes: [{ ...blank, credential: 0, ok: true, sys_name: "core-1" }],
  };
  vi.spyOn(api, "POST").mockResolvedValue({ data: { data: found }, response: new Response() } as never);
  show();
  fireEvent.change(screen.getByLabelText("Address"), { target: { value: "192.0.2.1" } });
  fireEvent.change(screen.getByLabelText("Community"), { target: { value: "public" } });
  fireEvent.click(screen.getByRole("button", { name: "Find credential" }));
  await waitFor(() => expect(screen.getByRole("button", { name: "Will be used" })).toBeTruthy());
  fireEvent.change(screen.getByLabelText("Community"), { target: { value: "private" } });
  await waitFor(() => expect(screen.queryByText("What is typed above · v2c")).toBeNull());
});

it("has an agent that is away try nothing, and says why", () => {
  const ref = (name: string) => ({ id: name, name });
  const agent = { id: "agt_1", name: "box-1", site: ref("Depot"), tenant: ref("Customer"), revoked_at: null, ...HERE, state: "down" };
  live.agents.replace([agent as unknown as Agent]);
  show();
  fireEvent.change(screen.getByLabelText("Address"), { target: { value: "192.0.2.1" } });
  const button = screen.getByRole("button", { name: "Find credential", description: /^The agent is offline since/ });
  expect(button.hasAttribute("disabled")).toBe(true);
  expect(button.title).toContain("offline since");
});
