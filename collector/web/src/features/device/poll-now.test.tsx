import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { echoWords, PollButton, type PollNow, snmpWords } from "./poll-now";

afterEach(cleanup);

const snmp = { ok: true, cause: null, advice: null, rtt_ms: 12.4, values: 214, answers_from: null };
const ping = { ok: true, cause: null, sent: 4, received: 4, loss_percent: 0, rtt_ms: 3.2, jitter_ms: 0.1, address: null };

it("says what answered and in how many milliseconds", () => {
  expect(snmpWords(snmp)).toBe("SNMP answered in 12.4 ms: 214 values.");
  expect(snmpWords({ ...snmp, rtt_ms: null, values: 1, answers_from: "10.0.0.2" })).toBe(
    "SNMP answered: 1 value, from 10.0.0.2 and not from the address that was asked.");
  expect(echoWords(ping)).toBe("Echo: 4 of 4 came back in 3.20 ms.");
});

it("says why nothing did", () => {
  expect(snmpWords({ ...snmp, ok: false, cause: "wrong_auth" })).toBe("SNMP: wrong authentication.");
  expect(snmpWords({ ...snmp, ok: false, cause: "other_source", answers_from: "10.0.0.2" })).toBe("SNMP: answers from another address (10.0.0.2).");
  expect(snmpWords({ ...snmp, ok: false, cause: null })).toBe("SNMP: no answer that can be used.");
  expect(echoWords({ ...ping, ok: false, cause: "timeout", received: 0, loss_percent: 100, rtt_ms: null })).toBe("Echo: 0 of 4 came back, 100.0 % lost.");
  expect(echoWords({ ...ping, ok: false, cause: "not_permitted", sent: 0, received: 0, loss_percent: null, rtt_ms: null })).toBe("Echo: not permitted.");
});

it("asks nothing of an agent that is away, by button and by key, and says why", () => {
  const mutate = vi.fn();
  const poll = { mutate, isPending: false } as unknown as PollNow;
  const { rerender } = render(<PollButton poll={poll} offline="The agent is offline since 14:02." />);
  const button = screen.getByRole("button", { name: "Poll now", description: "The agent is offline since 14:02." });
  expect(button.hasAttribute("disabled")).toBe(true);
  expect(button.title).toBe("The agent is offline since 14:02.");
  fireEvent.keyDown(document.body, { key: "p" });
  expect(mutate).not.toHaveBeenCalled();
  rerender(<PollButton poll={poll} offline={null} />);
  expect(screen.queryByText(/offline since/)).toBeNull();
  fireEvent.keyDown(document.body, { key: "p" });
  expect(mutate).toHaveBeenCalledOnce();
});
