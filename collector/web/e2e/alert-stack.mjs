// A collector with an agent that really polls simulated routers, one of which can die and come back.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { viewsOf } from "./browser.mjs";
import { addresses, BINARIES, enrol, PASSWORD, ready, run, serve, signIn, until } from "./stack.mjs";

const TENANT = "Alpine Fibre";
/** Without an agent: its people see that there is nothing, and why. */
const QUIET = "Borealis Net";
const SITE = "Depot";
const INTERVAL_S = 5;
export const ADMIN = "noc@farwatch.example";
export const VIEWER = "viewer@alpine.example";
export const QUIET_ADMIN = "admin@borealis.example";
export const MORTAL = "mortal-1";

/** Simulated routers that end with their standard input; resolves to their addresses once they answer. */
export async function routers(count, stateFile) {
  const child = spawn(join(BINARIES, "farwatch-sim"),
    ["--count", String(count), "--interfaces", "2", "--state-file", stateFile, "--until-stdin-closes"], { stdio: ["pipe", "pipe", "ignore"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const found = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, name, address, community] = line.split(" ");
    if (word === "ready") break;
    if (word === "router") found.push({ name, address, community });
  }
  return {
    found,
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

function people(data) {
  for (const name of [TENANT, QUIET]) run("farwatch-collector", ["tenant", "create", "--data-dir", data, "--name", name]);
  const of = { [ADMIN]: ["super_admin"], [VIEWER]: ["viewer", TENANT], [QUIET_ADMIN]: ["tenant_admin", QUIET] };
  for (const [email, [role, tenant]] of Object.entries(of)) {
    run("farwatch-collector", ["user", "create", "--data-dir", data, "--email", email, "--password-file", "-", "--role", role,
      ...(tenant ? ["--tenant", tenant] : [])], PASSWORD);
  }
}

/** Starts it; `kill` and `revive` the mortal router, `killAgent` as a power cut does, `stopAgent` in order and `startAgent` it again, `stop` ends all and removes what it made. */
export async function oneSite() {
  const folder = mkdtempSync(join(tmpdir(), "farwatch-alerts-"));
  const data = join(folder, "collector");
  people(data);
  const { collector, ended } = serve(data);
  const stops = [async () => {
    collector.kill();
    await ended;
  }];
  const stop = async () => {
    for (const end of stops.toReversed()) await end();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await ready(collector, data);
    const { http, listen } = addresses(data);
    const url = `http://${http}`;
    const ask = await signIn(url, ADMIN);
    await enrol(folder, data, listen, TENANT, SITE);
    const agentDir = join(folder, `agent ${TENANT} ${SITE}`);
    let agent = null;
    let agentEnded = null;
    const startAgent = () => {
      agent = spawn(join(BINARIES, "farwatch-agent"), ["run", "--state-dir", agentDir], { stdio: "ignore" });
      agentEnded = new Promise((resolve) => agent.once("exit", resolve));
    };
    const killAgent = async () => {
      agent.kill("SIGKILL");
      await agentEnded;
    };
    /** In order: it says goodbye. */
    const stopAgent = async () => {
      agent.kill("SIGTERM");
      await agentEnded;
    };
    startAgent();
    stops.push(killAgent);
    const steady = await routers(2, join(folder, "steady"));
    let mortal = await routers(1, join(folder, "mortal"));
    stops.push(() => steady.stop(), () => mortal.stop());
    const [{ id }] = await ask("GET", "/api/v1/agents");
    const add = ({ name, address, community }) => ask("POST", "/api/v1/devices", {
      agent: id, name, address, interval_s: INTERVAL_S, ping: false, tags: ["core"], snmp: { version: "v2c", community },
    });
    for (const router of steady.found) await add(router);
    const { id: mortalId } = await add({ ...mortal.found[0], name: MORTAL });
    await until("all devices to be up", async () => (await ask("GET", "/api/v1/devices")).every(({ state }) => state === "up"));
    return {
      url, ask, stop, mortalId, killAgent, stopAgent, startAgent, agentDir,
      kill: () => mortal.stop(),
      revive: async () => {
        mortal = await routers(1, join(folder, "mortal"));
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Drives pages on a site of its own: `drive(site, view)` opens each by `view(options)`. In the end none of them
 * may have logged anything, and all of it is gone.
 */
export async function onOneSite(browser, name, check, drive) {
  const site = await oneSite();
  const { views, view } = viewsOf(browser);
  try {
    await drive(site, view);
    await check(`${name}: nothing was logged`, async () => {
      const all = views.flatMap(({ complaints }) => complaints);
      return all.length > 0 ? all : null;
    });
  } finally {
    await Promise.allSettled(views.map(({ context }) => context.close()));
    await site.stop();
  }
}
