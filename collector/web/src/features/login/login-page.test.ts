import { expect, it } from "vitest";
import { ApiError } from "../../lib/api";
import { asksForCode } from "./login-page";

it("asks for a code only when the password was right", () => {
  const refused = (code: string) => new ApiError({ code, detail: "" }, 401, null);
  expect(asksForCode(refused("totp_required"))).toBe(true);
  expect(asksForCode(refused("bad_totp"))).toBe(true);
  expect(asksForCode(refused("bad_credentials"))).toBe(false);
});
