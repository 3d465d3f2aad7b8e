import { expect, it } from "vitest";
import { enrolSteps, likelyPlatform, PLATFORMS } from "./enrol-lines";

const TOKEN = "fw1_abc234";

it("has one line per platform with the token in it, and never as an argument of the agent", () => {
  for (const { value } of PLATFORMS) {
    const lines = enrolSteps(value, TOKEN).flatMap(({ line }) => line ?? []);
    expect(lines.filter((line) => line.includes(TOKEN))).toHaveLength(1);
    for (const line of lines) {
      const calls = line.split(/\||&&|;/).filter((call) => call.includes("farwatch-agent"));
      expect(calls.join()).not.toContain(TOKEN);
    }
  }
});

it("guesses Windows where the browser runs on it", () => {
  expect(likelyPlatform("Mozilla/5.0 (Windows NT 10.0; Win64; x64)")).toBe("windows");
  expect(likelyPlatform("Mozilla/5.0 (X11; Linux x86_64)")).toBe("linux");
  expect(likelyPlatform("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0)")).toBe("linux");
});

it("keeps it running where systemd is, and says how elsewhere", () => {
  const linux = enrolSteps("linux", TOKEN).at(-1);
  expect(linux?.line).toContain("systemctl enable --now farwatch-agent");
  expect(linux?.line).toContain("'ExecStart=/usr/local/bin/farwatch-agent run'");
  for (const platform of ["windows", "manual"] as const) expect(enrolSteps(platform, TOKEN).at(-1)?.text).toMatch(/To keep it|to keep it/);
});
