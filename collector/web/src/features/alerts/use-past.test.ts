import { expect, it } from "vitest";
import type { Alert } from "../../lib/types";
import { lastEnded } from "./use-past";

const row = (id: string, resolved_at: string | null) => ({ id, resolved_at }) as Alert;

it("is another one with each that ends, however many have ended", () => {
  const rows = Array.from({ length: 100 }, (_, i) => row(`alt_${i}`, new Date(i * 1000).toISOString()));
  expect(lastEnded([...rows, row("open", null)])).toBe("alt_99");
  expect(lastEnded([...rows.slice(1), row("alt_100", new Date(100_000).toISOString())])).toBe("alt_100");
  const at = "2026-11-22T12:00:00Z";
  expect(lastEnded([row("b", at), row("a", at)])).toBe("b");
  expect(lastEnded([row("open", null)])).toBe("");
});
