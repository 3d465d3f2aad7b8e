import { expect, it, vi } from "vitest";
import { loadParts } from "./parts";

it("fetches every route and part, whichever of them fails", async () => {
  const loadRouteChunk = vi.fn<(route: unknown) => Promise<void>>()
    .mockRejectedValueOnce(new Error("offline")).mockResolvedValue();
  const part = vi.fn<() => Promise<unknown>>().mockResolvedValue({});
  const routesById = { fleet: "fleet route", agents: "agents route" };
  await loadParts({ routesById, loadRouteChunk } as never, [part]);
  expect(loadRouteChunk.mock.calls).toEqual([["fleet route"], ["agents route"]]);
  expect(part).toHaveBeenCalledOnce();
});
