import { beforeEach, expect, it, vi } from "vitest";
import { isMissingPart, reloadOnMissingParts } from "./new-version";

const reload = vi.fn<() => void>();
const health = vi.fn<() => Promise<Response>>();
reloadOnMissingParts(reload);

beforeEach(() => {
  sessionStorage.clear();
  reload.mockReset();
  health.mockReset();
  vi.stubGlobal("fetch", health);
});

/** A part that fails to load; resolves when the collector was asked. */
async function miss(): Promise<{ error: Error; isThrown: boolean }> {
  const error = new TypeError("Failed to fetch dynamically imported module: /assets/agents.js");
  const event = Object.assign(new Event("vite:preloadError", { cancelable: true }), { payload: error });
  dispatchEvent(event);
  await Promise.allSettled(health.mock.results.map((result) => result.value));
  await Promise.resolve();
  await Promise.resolve();
  return { error, isThrown: !event.defaultPrevented };
}

it("reloads once for a part that is missing, then lets the page say so", async () => {
  health.mockResolvedValue(new Response());
  await miss();
  await miss();
  expect(reload).toHaveBeenCalledTimes(1);
});

it.each([
  ["nobody answers", () => Promise.reject(new TypeError("Failed to fetch"))],
  ["a proxy answers for it", () => Promise.resolve(new Response(null, { status: 502 }))],
])("keeps the page while %s", async (_, answer) => {
  health.mockImplementation(answer);
  const { error, isThrown } = await miss();
  expect(health).toHaveBeenCalledOnce();
  expect(reload).not.toHaveBeenCalled();
  expect(isThrown).toBe(true);
  expect(isMissingPart(error)).toBe(true);
  // The words at which the router reloads by itself.
  expect(error.message).not.toMatch(/module/);
  health.mockResolvedValue(new Response());
  await miss();
  expect(reload).toHaveBeenCalledOnce();
});
