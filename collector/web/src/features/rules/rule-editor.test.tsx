import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { live } from "../../lib/live-app";
import { ScopeContext, scopeOf } from "../../lib/scope";
import type { Rule } from "../../lib/types";
import { RuleEditor } from "./rule-editor";

const TENANT = { id: "ten_1", name: "Alpine Fibre" };
const METRICS = [
  { name: "cpu_percent", title: "processor load", unit: "percent", about: "device", words: "load of the device" },
  { name: "ssh_host_key_changed", title: "SSH host key", unit: "flag", about: "device", words: "1 while it shows another SSH host key" },
];
const RULE: Rule = {
  id: "rul_1", tenant: TENANT, name: "Processor busy", severity: "warning", enabled: true, scope: { sites: [], tags: [], kinds: [] },
  condition: { kind: "metric", name: "cpu_percent", object: "*", is: "above", limit: 90, clear: 80 }, for_s: 600, resolve_after_s: 300,
};
const PREVIEW = {
  in_scope: 3, looked_at: 3, counts: { wrong: 1, between: 0, well: 2, unknown: 0 },
  things: [{ device: "dev_1", agent: "agt_1", name: "edge-1", object: "", look: "wrong", value: 97, state: null }],
  past: {
    from: "2026-11-21T12:00:00Z", to: "2026-11-22T12:00:00Z", is_known: true, devices: 3, left_out: 0, total: 1,
    alerts: [{ device: "dev_1", name: "edge-1", object: "", began_at: "2026-11-22T00:00:00Z", fired_at: "2026-11-22T00:10:00Z", resolved_at: null, value: 97 }],
  },
};

beforeEach(() => {
  for (const name of ["ensureAlerts", "ensureDevices"] as const) vi.spyOn(live, name).mockImplementation(() => {});
  vi.spyOn(api, "GET").mockImplementation((async (path: string) => ({
    data: { data: path.endsWith("metrics") ? METRICS : [], meta: { next_cursor: null } }, response: new Response(),
  })) as never);
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

/** Answers each POST by its path, and keeps what was sent. */
function posts(answer: (path: string) => unknown) {
  return vi.spyOn(api, "POST").mockImplementation((async (path: string) => answer(path)) as never);
}
const tried = () => ({ data: { data: PREVIEW }, response: new Response() });

async function show(rule: Rule | null) {
  const root = createRootRoute();
  const list = createRoute({ getParentRoute: () => root, path: "/alerts/rules", component: () => <h1>the list</h1> });
  const loaded = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  loaded.setQueryData(["the rule"], rule);
  const Page = () => <RuleEditor rule={useQuery<Rule | null>({ queryKey: ["the rule"], enabled: false }).data ?? null} />;
  const editor = createRoute({ getParentRoute: () => root, path: "/edit", component: Page });
  const router = createRouter({ routeTree: root.addChildren([list, editor]), history: createMemoryHistory({ initialEntries: ["/edit"] }) });
  render(
    <QueryClientProvider client={loaded}>
      <ScopeContext value={scopeOf([{ ...TENANT, role: "tenant_admin" }], undefined)}>
        <RouterProvider router={router as never} />
      </ScopeContext>
    </QueryClientProvider>,
  );
  await screen.findByLabelText("Name");
  await waitFor(() => expect(document.querySelector("#rule-metric")?.textContent ?? "").not.toContain("Cpu percent"));
  // Somebody else has changed it, and it was loaded again.
  return (other: Rule) => act(() => void loaded.setQueryData(["the rule"], other));
}
const type = (label: string | RegExp, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });

it("tries what is typed once the hand rests, and shows what it says", async () => {
  const post = posts(tried);
  await show(RULE);
  await screen.findByText("edge-1", { selector: "td" });
  type(/^Limit/, "9");
  type(/^Limit/, "95");
  await waitFor(() => expect(post).toHaveBeenCalledTimes(2));
  expect(post.mock.calls[1]).toEqual(["/api/v1/rules/preview", {
    body: {
      tenant: "ten_1", scope: { sites: [], tags: [], kinds: [] }, for_s: 600, resolve_after_s: 300,
      condition: { kind: "metric", name: "cpu_percent", object: "*", is: "above", limit: 95, clear: 80 },
    },
  }]);
  expect(document.querySelector("[data-look-count=wrong]")?.textContent).toBe("1 wrong now");
  // Of what there is none of, nothing is said.
  expect(document.querySelector("[data-look-count=between]")).toBeNull();
  expect(screen.getByText("1 alert would have fired; 3 devices looked at.")).toBeTruthy();
  expect(document.querySelector("[data-rule-sentence]")?.textContent)
    .toBe("Load of the device: 95 % or above, for 10 min. It is over when it is at 80 % or below for 5 min. It looks at all devices.");
});

it("says of a device that is not up what the rule makes of it, and what stands in between", async () => {
  const thing = { device: "dev_2", agent: "agt_1", name: "core-1", object: "", look: "well", value: null, state: "degraded" };
  posts(() => ({ data: { data: { ...PREVIEW, things: [thing], counts: { wrong: 0, between: 2, well: 1, unknown: 0 } } }, response: new Response() }));
  await show(RULE);
  const row = (await screen.findByText("core-1", { selector: "td" })).closest("tr");
  expect(row?.textContent).toBe("core-1not wrong (degraded)");
  expect(screen.getByText(/^In between: past the clear threshold/)).toBeTruthy();
});

it("tries nothing and sends nothing while something is wrong, and leads to it", async () => {
  const post = posts(tried);
  await show(null);
  type("Name", "Core busy");
  type("Fires after", "soon");
  fireEvent.click(screen.getByRole("button", { name: "Make the rule" }));
  await screen.findByText("Type a time such as 90 s, 10 min or 2 h.");
  expect(screen.getByText("Choose a value.")).toBeTruthy();
  await waitFor(() => expect(document.activeElement?.id).toBe("rule-metric"));
  expect(document.querySelector("[data-preview=waiting]")).not.toBeNull();
  expect(post).not.toHaveBeenCalled();
});

it("sends a change of what was typed and no more, and goes back to the list", async () => {
  posts(tried);
  const patch = vi.spyOn(api, "PATCH").mockResolvedValue({ data: { data: RULE }, response: new Response() } as never);
  await show(RULE);
  type("Name", "Processor very busy");
  type(/^Clear threshold/, "");
  type("Fires after", "0");
  fireEvent.click(screen.getByRole("radio", { name: "Critical" }));
  fireEvent.click(screen.getByRole("button", { name: "Save the rule" }));
  await screen.findByText("the list");
  expect(patch).toHaveBeenCalledExactlyOnceWith("/api/v1/rules/{id}", {
    params: { path: { id: "rul_1" } },
    body: {
      name: "Processor very busy", severity: "critical", for_s: 0,
      condition: { kind: "metric", name: "cpu_percent", object: "*", is: "above", limit: 90, clear: null },
    },
  });
});

it("tells what the server refuses where it belongs", async () => {
  posts(tried);
  const error = { code: "invalid", detail: "The rule cannot be.", errors: [{ field: "condition", message: "cpu_percent is no metric" }] };
  vi.spyOn(api, "PATCH").mockResolvedValue({ error, response: new Response(null, { status: 422 }) } as never);
  await show(RULE);
  type(/^Limit/, "95");
  fireEvent.click(screen.getByRole("button", { name: "Save the rule" }));
  expect(await screen.findByText("cpu_percent is no metric")).toBeTruthy();
  expect(screen.queryByText("the list")).toBeNull();
});

it("takes a kind whole, with its commas, and shows the server's word on it there", async () => {
  posts(tried);
  const message = 'a kind is a pattern of 1 to 128 bytes, without control characters: "x"';
  const error = { code: "invalid", detail: "The rule cannot be.", errors: [{ field: "scope", message }] };
  const patch = vi.spyOn(api, "PATCH").mockResolvedValue({ error, response: new Response(null, { status: 422 }) } as never);
  await show(RULE);
  type("Kinds", "Cisco IOS Software, C29*");
  expect(screen.queryByRole("list", { name: "Kinds: chosen" })).toBeNull();
  fireEvent.keyDown(screen.getByLabelText("Kinds"), { key: "Enter" });
  fireEvent.click(screen.getByRole("button", { name: "Save the rule" }));
  expect((await screen.findByText(message)).id).toBe("rule-kinds-note");
  expect(patch.mock.calls[0]?.[1]).toMatchObject({ body: { scope: { sites: [], tags: [], kinds: ["Cisco IOS Software, C29*"] } } });
  await waitFor(() => expect(document.activeElement?.id).toBe("rule-kinds"));
});

it("keeps what is typed where somebody else changes the rule, says so, and leaves theirs alone", async () => {
  posts(tried);
  const patch = vi.spyOn(api, "PATCH").mockResolvedValue({ data: { data: RULE }, response: new Response() } as never);
  const overtake = await show(RULE);
  type("Name", "Mine");
  overtake({ ...RULE, severity: "critical" });
  await screen.findByText(/^Somebody else has changed this rule/);
  expect(screen.getByLabelText<HTMLInputElement>("Name").value).toBe("Mine");
  fireEvent.click(screen.getByRole("button", { name: "Save the rule" }));
  await screen.findByText("the list");
  expect(patch).toHaveBeenCalledExactlyOnceWith("/api/v1/rules/{id}", { params: { path: { id: "rul_1" } }, body: { name: "Mine" } });
});

it("takes over what somebody else has changed where nothing is typed, or when asked to", async () => {
  posts(tried);
  const overtake = await show(RULE);
  overtake({ ...RULE, name: "Theirs" });
  await screen.findByDisplayValue("Theirs");
  expect(document.querySelector("[data-overtaken]")).toBeNull();
  type("Name", "Mine");
  overtake({ ...RULE, name: "Theirs again" });
  fireEvent.click(await screen.findByRole("button", { name: "Begin with theirs" }));
  expect(screen.getByLabelText<HTMLInputElement>("Name").value).toBe("Theirs again");
});

it("asks for no limit of what is so or is not so", async () => {
  posts(tried);
  const condition = { kind: "metric", name: "ssh_host_key_changed", object: "*", is: "above", limit: 1, clear: 0.5 } as const;
  await show({ ...RULE, condition });
  await waitFor(() => expect(screen.queryByLabelText(/^Limit/)).toBeNull());
});

it("finds a value by the word that people use for it", async () => {
  await show(null);
  fireEvent.click(await screen.findByRole("button", { name: "Value" }));
  fireEvent.change(await screen.findByRole("combobox", { name: "Find: value" }), { target: { value: "cpu load" } });
  const [found, ...others] = await screen.findAllByRole("option");
  expect(found?.textContent).toBe("Processor loadcpu_percent%");
  expect(others).toEqual([]);
});

it("tries and says a kind and a tag as they are typed, before anything ends them", async () => {
  const post = posts(tried);
  await show(RULE);
  await waitFor(() => expect(post).toHaveBeenCalledTimes(1));
  type("Kinds", "IOS XE");
  type("Tags", "core");
  await waitFor(() => expect(post).toHaveBeenCalledTimes(2));
  expect(post.mock.calls[1]?.[1]).toMatchObject({ body: { scope: { sites: [], tags: ["core"], kinds: ["IOS XE"] } } });
  expect(document.querySelector("[data-rule-sentence]")?.textContent).toMatch(/It looks at devices that are IOS XE tagged core\.$/);
  fireEvent.keyDown(screen.getByLabelText("Kinds"), { key: "Enter" });
  expect(document.querySelector("[data-rule-sentence]")?.textContent).toMatch(/devices that are IOS XE tagged core\.$/);
});

it("offers each trouble of an agent, sends those that are chosen, and asks for one where none is", async () => {
  const post = posts(tried);
  const patch = vi.spyOn(api, "PATCH").mockResolvedValue({ data: { data: RULE }, response: new Response() } as never);
  await show({ ...RULE, condition: { kind: "agent_trouble", kinds: ["clock", "cloned"] } });
  const box = (name: RegExp) => screen.getByRole<HTMLInputElement>("checkbox", { name });
  expect([/^Has a wrong clock/, /^Is cloned/, /^Loses data/].map((name) => box(name).checked)).toEqual([true, true, false]);
  fireEvent.click(box(/^Has a wrong clock/));
  fireEvent.click(box(/^Is cloned/));
  await waitFor(() => expect(document.querySelector("[data-preview=waiting]")).not.toBeNull());
  fireEvent.click(screen.getByRole("button", { name: "Save the rule" }));
  expect(await screen.findByText("Choose at least one of them.")).toBeTruthy();
  expect(patch).not.toHaveBeenCalled();
  fireEvent.click(box(/^Loses data/));
  await waitFor(() => expect(post.mock.lastCall).toMatchObject(["/api/v1/rules/preview", { body: { condition: { kind: "agent_trouble", kinds: ["losing"] } } }]));
  fireEvent.click(screen.getByRole("button", { name: "Save the rule" }));
  await screen.findByText("the list");
  expect(patch.mock.calls[0]?.[1]).toMatchObject({ body: { condition: { kind: "agent_trouble", kinds: ["losing"] } } });
});
