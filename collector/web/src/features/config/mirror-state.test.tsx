import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { MirrorState } from "./mirror-state";
import type { Mirror } from "./types";

afterEach(cleanup);

const text = (mirror: Mirror) => {
  const { container } = render(<MirrorState mirror={mirror} />);
  return container.textContent;
};

it("says what the mirror waits for, and how new it is", () => {
  const old = new Date(Date.now() - 600_000).toISOString();
  expect(text({ state: "waiting", detail: "git is not installed: install it.", last_commit_at: old }))
    .toBe("Git mirror: waitslast commit 10 min agogit is not installed: install it.");
  expect(text({ state: "ok", detail: null, last_commit_at: null })).toBe("Git mirror: up to dateno commit yet");
  expect(text({ state: "off", detail: null, last_commit_at: old })).toMatch(/^Git mirror: offWhoever runs this collector switches it on/);
});
