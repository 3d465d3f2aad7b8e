/** The lines that enrol an agent and keep it running, for each kind of machine. */
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
  /** What somebody came for: it is copied by a button that cannot be missed. */
  isMain?: boolean;
}

/** As docs/install.md has it. */
const UNIT = [
  "[Unit]", "Description=Farwatch agent", "After=network-online.target", "Wants=network-online.target", "[Service]", "User=farwatch",
  "ExecStart=/usr/local/bin/farwatch-agent run", "StateDirectory=farwatch-agent", "StateDirectoryMode=0700", "AmbientCapabilities=CAP_NET_RAW",
  "Restart=always", "[Install]", "WantedBy=multi-user.target",
];
/** Its own user, what it owns by now, its unit, and its start: now and with the machine. */
const SERVICE = [
  "{ id farwatch >/dev/null 2>&1 || useradd --system farwatch; }",
  "chown -R farwatch /var/lib/farwatch-agent",
  `printf '%s\\n' ${UNIT.map((line) => `'${line}'`).join(" ")} > /etc/systemd/system/farwatch-agent.service`,
  "systemctl enable --now farwatch-agent",
].join(" && ");

/** Who looks on first has neither the rights of a service nor its folder. */
export const TRY_HINT = "To try it as yourself, without more rights: add «--state-dir DIR» to both «enroll» and «run», with an empty folder of yours for DIR.";

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
        { text: "Then this line there, in a shell of root: it enrols the agent.", line: `echo ${token} | farwatch-agent enroll --token-file -`, isMain: true },
        { text: "And this one: systemd runs it from now on, also after a restart of the machine. Without systemd, «farwatch-agent run» starts it for as long as its window is open.", line: SERVICE, isMain: true },
      ];
    case "windows":
      return [
        { text: "The machine needs the program. There is no installer yet: build it from the source of this version on Windows, and put target\\release\\farwatch-agent.exe into a folder there.", line: BUILD },
        { text: "Then this line in PowerShell, opened in that folder as administrator.", line: `'${token}' | .\\farwatch-agent.exe enroll --token-file -; if ($?) { .\\farwatch-agent.exe run }`, isMain: true },
        { text: "It runs while that window is open. To keep it, have the Task Scheduler start «farwatch-agent.exe run» with the machine, as SYSTEM." },
      ];
    case "manual":
      return [
        { text: "The token alone, such as for a file that only the agent may read:", line: token },
        { text: "Enrol: paste the token, then press Enter and Ctrl-D. Or name the file in place of the dash.", line: "farwatch-agent enroll --token-file -" },
        { text: "Start it. It runs while its window is open: have the system start this line to keep it.", line: "farwatch-agent run" },
      ];
  }
}

/** The word for the machine at which one sits. */
export function likelyPlatform(userAgent: string): Platform {
  return /Windows/.test(userAgent) ? "windows" : "linux";
}
