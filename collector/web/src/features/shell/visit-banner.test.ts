import { expect, it } from "vitest";
import { clockTime } from "../../lib/format";
import type { Grant } from "../../lib/types";
import { visitWords } from "./visit-banner";

const END = "2026-11-21T15:04:00Z";
const alpine = { id: "ten_a", name: "Alpine Fibre", role: "operator", granted_until: END } as const;
const grant = (user: string, reason: string, expires_at = END) =>
  ({ tenant: { id: "ten_a", name: "Alpine Fibre" }, user: { id: user, name: user }, reason, expires_at }) as Grant;

it("says where one is a guest, until when and what for", () => {
  const grants = [grant("usr_2", "of somebody else"), grant("usr_1", "an earlier one", "2026-11-21T14:00:00Z"), grant("usr_1", "Ticket 4711")];
  const until = clockTime(Date.parse(END), false);
  expect(visitWords(alpine, grants, "usr_1")).toBe(`In Alpine Fibre as operator until ${until}: Ticket 4711`);
  expect(visitWords(alpine, [], "usr_1")).toBe(`In Alpine Fibre as operator until ${until}`);
});
