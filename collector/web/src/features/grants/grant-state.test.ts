import { expect, it } from "vitest";
import type { Grant } from "../../lib/types";
import { grantState } from "./grant-state";

const EXPIRES = "2026-11-21T12:00:00Z";
const grant = { expires_at: EXPIRES, ended_at: null, live: true } as Grant;

it("ends by the clock, though the list said that it holds", () => {
  expect(grantState(grant, Date.parse(EXPIRES) - 1)).toBe("live");
  expect(grantState(grant, Date.parse(EXPIRES))).toBe("expired");
});

it("says that it was ended by hand, also after its time", () => {
  const ended = { ...grant, ended_at: "2026-11-21T11:00:00Z" };
  expect(grantState(ended, Date.parse(EXPIRES) + 1)).toBe("ended");
});
