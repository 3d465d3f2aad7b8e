import { expect, it, vi } from "vitest";
import { reloadOnMissingParts } from "./new-version";

it("reloads once for a part that is missing, then lets the page say so", () => {
  const reload = vi.fn<() => void>();
  reloadOnMissingParts(reload);
  const miss = () => {
    const event = new Event("vite:preloadError", { cancelable: true });
    dispatchEvent(event);
    return event.defaultPrevented;
  };
  expect(miss()).toBe(true);
  expect(miss()).toBe(false);
  expect(reload).toHaveBeenCalledTimes(1);
});
