// A collector with one tenant and nothing in it, and routers that stand at addresses of their own.
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { routers } from "./alert-stack.mjs";
import { addresses, BINARIES, PASSWORD, ready, run, serve, signIn } from "./stack.mjs";

const TENANT = "Cedar Wireless";
export const OWNER = "noc@cedar.example";
/** 14 addresses of loopback: routers stand at some of them, the others only answer echo requests. */
export const RANGE = "127.0.9.16/28";
const STANDS = ["127.0.9.17", "127.0.9.18", "127.0.9.20"];

/** Passes datagrams on, as a router in front of a simulated one: it listens on one loopback address and a port. */
async function relay(address, target, port) {
  const [host, to] = target.split(":");
  const front = createSocket("udp4");
  const backs = new Map();
  front.on("message", (message, from) => {
    const key = `${from.address}:${from.port}`;
    let back = backs.get(key);
    if (!back) {
      back = createSocket("udp4");
      back.on("message", (answer) => front.send(answer, from.port, from.address));
      backs.set(key, back);
    }
    back.send(message, Number(to), host);
  });
  await new Promise((resolve, reject) => {
    front.once("error", reject);
    front.bind(port, address, resolve);
  });
  return {
    port: front.address().port,
    stop: () => {
      for (const back of backs.values()) back.close();
      front.close();
    },
  };
}

/** All at one port, as a scan asks for it: the system chooses it for the first. */
async function relays(found) {
  const made = [];
  for (const [at, { address }] of found.entries()) {
    // Each after the one that has the port.
    // oxlint-disable-next-line no-await-in-loop
    made.push(await relay(STANDS[at], address, made[0]?.port ?? 0));
  }
  return { port: made[0].port, stop: () => made.forEach((one) => one.stop()) };
}

/** `enrol` runs a line of the page in a shell, as somebody at the site would; `stop` ends all of it. */
export async function emptySite() {
  const folder = mkdtempSync(join(tmpdir(), "farwatch-setup-"));
  const data = join(folder, "collector");
  run("farwatch-collector", ["tenant", "create", "--data-dir", data, "--name", TENANT]);
  run("farwatch-collector", ["user", "create", "--data-dir", data, "--email", OWNER, "--password-file", "-", "--role", "super_admin"], PASSWORD);
  const { collector, ended } = serve(data);
  const stops = [async () => {
    collector.kill();
    await ended;
  }];
  const stop = async () => {
    // The last one first.
    // oxlint-disable-next-line no-await-in-loop
    for (const end of stops.toReversed()) await end();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await ready(collector, data);
    const url = `http://${addresses(data).http}`;
    const ask = await signIn(url, OWNER);
    const sims = await routers(STANDS.length, join(folder, "routers"));
    stops.push(() => sims.stop());
    const { port, stop: stopRelays } = await relays(sims.found);
    stops.push(stopRelays);
    const enrol = (line) => {
      const shell = spawn("sh", ["-c", line], {
        stdio: "ignore", detached: true,
        env: { ...process.env, PATH: `${BINARIES}${delimiter}${process.env.PATH}`, FARWATCH__STATE_DIR: join(folder, "agent") },
      });
      const gone = new Promise((resolve) => shell.once("exit", resolve));
      stops.push(async () => {
        // The shell and the agent that it runs.
        if (shell.exitCode === null) process.kill(-shell.pid);
        await gone;
      });
    };
    return { url, ask, enrol, port, community: sims.found[0].community, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
