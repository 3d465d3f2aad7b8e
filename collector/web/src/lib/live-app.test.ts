import { expect, it } from "vitest";
import { unheardMs } from "./live-app";

it("has no news since the stream broke off, and none of a stream that has missed its heartbeat", () => {
  const of = (phase: "live" | "connecting" | "offline", seconds: number) => unheardMs({ phase, heardAt: 1000 }, 1000 + seconds * 1000);
  expect([of("live", 0), of("live", 15), of("live", 40), of("connecting", 40), of("offline", 40)]).toEqual([0, 0, 24_000, 24_000, 40_000]);
});
