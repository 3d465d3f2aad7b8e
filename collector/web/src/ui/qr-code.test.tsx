import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { QrCode } from "./qr-code";

afterEach(cleanup);

it("is drawn here, with a white edge, and tells its text to nobody", () => {
  const text = "otpauth://totp/Farwatch:noc%40x?secret=JBSWY3DPEHPK3PXP";
  const { container, getByRole } = render(<QrCode text={text} label="QR code" />);
  expect(getByRole("img", { name: "QR code" }).querySelector("path")?.getAttribute("d")).toMatch(/^M4 4h1v1h-1z/);
  expect(container.innerHTML).not.toContain("JBSWY3DPEHPK3PXP");
});
