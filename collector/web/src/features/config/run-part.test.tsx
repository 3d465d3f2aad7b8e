import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { LastJob, RunButton } from "./run-part";
import type { Backup, Job } from "./types";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const ref = (name: string) => ({ id: name, name });
const job: Job = {
  id: "job_1", tenant: ref("t"), site: ref("s"), device: ref("d"), agent: ref("a"), reason: "schedule", asked_by: null, state: "failed", waits: null,
  created_at: "2026-01-01T00:00:00Z", started_at: null, ended_at: null, cause: "login", advice: null, version: null, changed: null, bytes: null, kept_bytes: null,
};
const login = { from: "device", profile: null, user: "backup", has_password: true, has_key: false, has_enable: false };
const backup = (more: Partial<Backup>) => ({ login, job: null, failing: null, ...more }) as Backup;

function button(of: Backup, offline: string | null = null) {
  render(<QueryClientProvider client={new QueryClient()}><RunButton device="dev_1" backup={of} offline={offline} /></QueryClientProvider>);
  return screen.getByRole("button");
}

it("asks for it once, also while the agent is away, and says so", async () => {
  const post = vi.spyOn(api, "POST").mockResolvedValue({ data: { data: job }, response: new Response() } as never);
  const run = button(backup({}), "The agent is offline since 14:02.");
  expect(run.title).toContain("when the agent is back");
  fireEvent.click(run);
  await waitFor(() => expect(post).toHaveBeenCalledOnce());
});

it("asks for nothing without a login, or while a job is open", () => {
  expect(button(backup({ login: null })).hasAttribute("disabled")).toBe(true);
  expect(screen.getByText("It has no login by SSH.")).toBeTruthy();
  cleanup();
  const open = button(backup({ job: { ...job, state: "queued" } }));
  expect(open.hasAttribute("disabled")).toBe(true);
  expect(open.textContent).toBe("Queued");
  cleanup();
  expect(button(backup({ job: { ...job, state: "running" } })).textContent).toBe("Fetching…");
});

it("offers another try, not the usual way, while the device shows another key", () => {
  const other = backup({ other_key: "SHA256:new" });
  expect(button(other).textContent).toBe("Try again");
  expect(screen.getByText(/fails for as long as the device shows another host key/)).toBeTruthy();
  cleanup();
  // The key says it already.
  const { container } = render(<LastJob backup={{ job: { ...job, cause: "host_key" }, failing: null, other_key: "SHA256:new" }} />);
  expect(container.textContent).toBe("");
});

it("shows how far the agent is, and what to do about a failure that is past", () => {
  const { rerender } = render(<LastJob backup={{ job: { ...job, state: "running", bytes: 200, kept_bytes: 50 }, failing: null }} />);
  expect(screen.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("25");
  rerender(<LastJob backup={{ job, failing: null }} />);
  expect(screen.getByText("Check the user, its password or its key.")).toBeTruthy();
  rerender(<LastJob backup={{ job, failing: { cause: "login", advice: null, since: job.created_at } }} />);
  expect(screen.queryByText("Check the user, its password or its key.")).toBeNull();
});

it("takes back a job that waits, and tells where it has begun meanwhile; who only looks cannot", async () => {
  const queued = { job: { ...job, state: "queued" as const, cause: null }, failing: null };
  const { rerender } = render(<LastJob backup={queued} />);
  expect(screen.queryByRole("button")).toBeNull();
  const problem = { code: "job_running", detail: "The agent is fetching this configuration already: wait for its end." };
  const post = vi.spyOn(api, "POST").mockResolvedValue({ error: problem, response: new Response(null, { status: 409 }) } as never);
  rerender(<QueryClientProvider client={new QueryClient()}><LastJob backup={queued} canWrite /></QueryClientProvider>);
  fireEvent.click(screen.getByRole("button", { name: "Take back" }));
  expect(await screen.findByText(problem.detail)).toBeTruthy();
  expect(post).toHaveBeenCalledExactlyOnceWith("/api/v1/config-jobs/{id}/cancel", { params: { path: { id: "job_1" } } });
});

it("calls a job that was taken back or withdrawn no failure", () => {
  for (const [cause, word] of [["cancelled", "Taken back"], ["withdrawn", "Withdrawn"]] as const) {
    const { unmount } = render(<LastJob backup={{ job: { ...job, cause }, failing: null }} />);
    expect(document.querySelector("[data-job-state=failed]")?.textContent).toBe(word);
    expect(document.querySelector("[data-job-state=failed] .text-down")).toBeNull();
    unmount();
  }
});
