import { expect, it } from "vitest";
import { outagesOf } from "./outages";

const at = (ms: number) => new Date(ms).toISOString();
const alert = (id: string, began: number, resolved: number | null, more: object = {}) => ({
  id, summary: id, device: null, began_at: at(began), fired_at: at(began + 1), resolved_at: resolved === null ? null : at(resolved), ...more,
});

it("takes what was of the agent itself and fired, within the time, the newest first", () => {
  const device = { id: "dev_1", name: "core-1" };
  expect(outagesOf([
    alert("old", 0, 50), alert("cut", 50, 150), alert("open", 400, null), alert("device", 300, 350, { device }), alert("pending", 300, 350, { fired_at: null }),
  ], 100, 500)).toEqual([
    { id: "open", summary: "open", from: 400, to: 500, isOpen: true }, { id: "cut", summary: "cut", from: 100, to: 150, isOpen: false },
  ]);
});
