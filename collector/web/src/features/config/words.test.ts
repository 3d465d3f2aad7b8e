import { describe, expect, it } from "vitest";
import { causeAdvice, causeWord, isCalledOff, isOpen, jobNote, platformWord, reasonWord, starterWord } from "./words";

describe("words of configurations", () => {
  it("names platforms and causes, also those of a newer agent", () => {
    expect(platformWord("ios")).toBe("Cisco IOS, IOS-XE");
    expect(platformWord("zyxel")).toBe("zyxel");
    expect(platformWord(null)).toBe("–");
    expect(causeWord("login")).toBe("Login refused");
    expect(causeWord("disk_full")).toBe("Disk full");
  });

  it("prefers the advice of who saw it", () => {
    expect(causeAdvice("login", "the device refuses the user; check its name")).toBe("The device refuses the user; check its name.");
    expect(causeAdvice("login", null)).toBe("Check the user, its password or its key.");
    expect(causeAdvice("disk_full", null)).toBeNull();
  });

  it("says how a job stands", () => {
    const job = { state: "queued", waits: "agent_offline", cause: null, changed: null } as const;
    expect(jobNote(job)).toBe("waits for its agent");
    expect(jobNote({ ...job, waits: null })).toBeNull();
    expect(jobNote({ ...job, state: "failed", cause: "silent" })).toBe("No prompt");
    expect(jobNote({ ...job, state: "done", changed: false })).toBe("nothing changed");
    for (const cause of ["cancelled", "withdrawn"]) {
      expect(jobNote({ ...job, state: "failed", cause })).toBeNull();
      expect(isCalledOff({ state: "failed", cause })).toBe(true);
    }
    expect(isCalledOff({ state: "failed", cause: "silent" })).toBe(false);
    expect(isOpen(job)).toBe(true);
    expect(isOpen({ state: "failed" })).toBe(false);
    expect(isOpen(null)).toBe(false);
  });

  it("says who or what asked for it", () => {
    expect(reasonWord({ reason: "manual", asked_by: "anna@noc.example" })).toBe("by anna@noc.example");
    expect(reasonWord({ reason: "manual", asked_by: null })).toBe("by hand");
    expect(reasonWord({ reason: "schedule", asked_by: "farwatch" })).toBe("by schedule");
    expect(reasonWord({ reason: "", asked_by: null })).toBe("");
    expect(["manual", "schedule", "hint"].map((reason) => starterWord({ reason, asked_by: "anna@noc.example" })))
      .toEqual(["anna@noc.example", "schedule", "a change that was noticed"]);
  });
});
