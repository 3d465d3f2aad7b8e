// A switch that is reached by SSH: OpenSSH's server with a scripted command line, as the checks of the agent have it.
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const SSHD = "/usr/sbin/sshd";
const SCRIPT = new URL("../../../tests/it/history/device.sh", import.meta.url).pathname;

/** What the script asks for before it shows a configuration, and a secret within that. */
export const ENABLE = "enable-canary";
export const CANARY = "$1$canary";

function keygen(file) {
  rmSync(file, { force: true });
  const { status, stderr } = spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file], { encoding: "utf8" });
  if (status !== 0) throw new Error(`ssh-keygen: ${stderr}`);
}

/** One that nobody listens at, a moment ago. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function serve(config) {
  const child = spawn(SSHD, ["-D", "-e", "-f", config], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const lines = createInterface({ input: child.stderr });
  await new Promise((resolve, reject) => {
    lines.on("line", (line) => line.includes("Server listening") && resolve());
    child.once("exit", (code) => reject(new Error(`sshd ended with ${code}`)));
  });
  return async () => {
    child.kill();
    await ended;
  };
}

/** Null where there is no server to play it with. */
export async function sshDevice() {
  if (!existsSync(SSHD)) return null;
  // It refuses to run without; a service would make it at each start.
  mkdirSync("/run/sshd", { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), "farwatch-ssh-"));
  const at = (name) => join(folder, name);
  const port = await freePort();
  for (const name of ["host", "user"]) keygen(at(name));
  copyFileSync(at("user.pub"), at("authorized"));
  const original = readFileSync(SCRIPT, "utf8");
  const say = (text) => writeFileSync(at("device.sh"), text);
  say(original);
  writeFileSync(at("config"), [
    `ListenAddress 127.0.0.1:${port}`, `HostKey ${at("host")}`, "PidFile none", "UsePAM no", "StrictModes no", "PermitRootLogin yes",
    `AuthorizedKeysFile ${at("authorized")}`, "PasswordAuthentication no", "PrintMotd no", "PrintLastLog no",
    `ForceCommand /bin/sh ${at("device.sh")} ${folder}`, "",
  ].join("\n"));
  let end = await serve(at("config"));
  return {
    port, user: userInfo().username, key: readFileSync(at("user"), "utf8"),
    /** Somebody configures it: another secret, another address. */
    change: () => say(original.replace(String.raw`\$1\$canary`, String.raw`\$1\$canary2`).replace("ip address 192.0.2.1 ", "ip address 192.0.2.7 ")),
    /** It is replaced, or somebody is in between. */
    rekey: async () => {
      await end();
      keygen(at("host"));
      end = await serve(at("config"));
    },
    stop: async () => {
      await end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
