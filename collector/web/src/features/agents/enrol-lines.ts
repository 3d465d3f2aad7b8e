/** The one line that enrols an agent and starts it, for each kind of machine. */
import type { Segment } from "../../ui/segments";

export type Platform = "linux" | "windows" | "manual";

export const PLATFORMS: readonly Segment<Platform>[] = [
  { value: "linux", label: "Linux" },
  { value: "windows", label: "Windows" },
  { value: "manual", label: "By hand" },
];

export interface EnrolStep {
  /** What to do, and where. */
  text: string;
  /** To copy; with the token in it, it is as secret as the token. */
  line?: string;
}

const BUILD = "cargo build --release --bin farwatch-agent";

/**
 * The shell itself writes the token into a pipe, so it is in no list of processes: `echo` is built into
 * every shell, and PowerShell has a plain string.
 */
export function enrolSteps(platform: Platform, token: string): EnrolStep[] {
  switch (platform) {
    case "linux":
      return [
        { text: "The machine needs the program. There are no packages yet: build it from the source of this version, and copy target/release/farwatch-agent to /usr/local/bin there.", line: BUILD },
        { text: "Then this line there, in a shell of root: it enrols the agent and starts it.", line: `echo ${token} | farwatch-agent enroll --token-file - && farwatch-agent run` },
      ];
    case "windows":
      return [
        { text: "The machine needs the program. There is no installer yet: build it from the source of this version on Windows, and put target\\release\\farwatch-agent.exe into a folder there.", line: BUILD },
        { text: "Then this line in PowerShell, opened in that folder as administrator.", line: `'${token}' | .\\farwatch-agent.exe enroll --token-file -; if ($?) { .\\farwatch-agent.exe run }` },
      ];
    case "manual":
      return [
        { text: "The token alone, such as for a file that only the agent may read:", line: token },
        { text: "Enrol: paste the token, then press Enter and Ctrl-D. Or name the file in place of the dash.", line: "farwatch-agent enroll --token-file -" },
        { text: "Start it.", line: "farwatch-agent run" },
      ];
  }
}

/** The word for the machine at which one sits. */
export function likelyPlatform(userAgent: string): Platform {
  return /Windows/.test(userAgent) ? "windows" : "linux";
}
