// A collector of its own with two customers whose networks overlap, for checks of tenancy.
//
// Its agents are enrolled and never started: nothing is polled, so no packet leaves this machine
// for the private addresses that the devices carry.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "./browser.mjs";

const REPO = new URL("../../../", import.meta.url).pathname;
const TARGET = process.env.CARGO_TARGET_DIR ?? join(REPO, "target");
export const BINARIES = process.env.FARWATCH_BINARIES ?? join(TARGET, "debug");
const READY_MS = 60_000;
const LOOK_MS = 100;

export const PASSWORD = "correct horse battery staple";
export const OVERLAP = "192.168.88.1";
/** As long as an address gets. */
export const FULL = "fd12:3456:789a:bcde:f012:3456:789a:bcde";
/** Tenant, its sites, and the devices of each: the same address stands at three of the sites. */
export const CUSTOMERS = {
  "Alpine Fibre": { Depot: [OVERLAP, FULL], Summit: [OVERLAP] },
  "Borealis Net": { Depot: [OVERLAP, "10.30.0.1"] },
};
export const PEOPLE = {
  "noc@farwatch.example": { role: "super_admin" },
  "viewer@borealis.example": { role: "viewer", tenant: "Borealis Net" },
};

export function run(program, args, input = "") {
  const { status, stdout, stderr } = spawnSync(join(BINARIES, program), args, { input, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.slice(0, 2).join(" ")}: ${stderr || status}`);
  return stdout;
}

export async function until(what, isSo) {
  const start = Date.now();
  while (!(await isSo())) {
    if (Date.now() - start > READY_MS) throw new Error(`waited ${READY_MS / 1000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

export function addresses(data) {
  const file = join(data, "addresses.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null;
}

/** A client of the API with the session of one person. */
export async function signIn(url, email) {
  const call = async (method, path, body, cookie = "") => {
    const headers = { "content-type": "application/json", origin: url, cookie };
    const answer = await fetch(url + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const answer = await call("POST", "/api/v1/login", { email, password: PASSWORD });
  const cookie = answer.headers.getSetCookie().map((one) => one.split(";", 1)[0]).join("; ");
  return async (method, path, body) => (await (await call(method, path, body, cookie)).json()).data;
}

/** The same person in a page, at this path. */
export async function signInPage(page, url, email, path = "/fleet") {
  await page.goto(`${url}${path}`);
  await page.fill("#email", email);
  await page.fill("#password", PASSWORD);
  await page.click("button[type=submit]");
  await page.waitForURL(`**${path}**`);
  await page.waitForSelector("[data-live=live]");
}

/** In a page of its own. */
export async function openAs(browser, url, email, options) {
  const view = await open(browser, options);
  await signInPage(view.page, url, email);
  return view;
}

export async function enrol(folder, data, listen, tenant, site) {
  const made = run("farwatch-collector",
    ["token", "create", "--data-dir", data, "--tenant", tenant, "--site", site, "--json"]);
  const state = join(folder, `agent ${tenant} ${site}`);
  run("farwatch-agent", ["enroll", "--token-file", "-", "--state-dir", state, "--collector", listen],
    JSON.parse(made).token);
}

const ANYWHERE = { http: "127.0.0.1:0", listen: "127.0.0.1:0" };

/** A collector on this data and with this file, at ports of the system's choice if it is not told where. */
export function serve(data, file, { http, listen } = ANYWHERE) {
  const collector = spawn(join(BINARIES, "farwatch-collector"),
    ["serve", ...(file ? ["--config", file] : []), "--data-dir", data, "--http", http, "--listen", listen], { stdio: "ignore" });
  return { collector, ended: new Promise((resolve) => collector.once("exit", resolve)) };
}

export async function ready(collector, data) {
  await until("the collector to be ready", async () => {
    if (collector.exitCode !== null) throw new Error(`the collector ended with ${collector.exitCode}`);
    const at = addresses(data);
    return at && fetch(`http://${at.http}/health/ready`).then((answer) => answer.ok, () => false);
  });
}

/** Starts it, with these lines in its file; `restart` ends it, waits for what is done meanwhile and starts it at its place; `stop` ends it and removes all it made. */
export async function twoCustomers(config = "") {
  const folder = mkdtempSync(join(tmpdir(), "farwatch-e2e-"));
  const data = join(folder, "collector");
  for (const tenant of Object.keys(CUSTOMERS)) {
    run("farwatch-collector", ["tenant", "create", "--data-dir", data, "--name", tenant]);
  }
  for (const [email, { role, tenant }] of Object.entries(PEOPLE)) {
    run("farwatch-collector", ["user", "create", "--data-dir", data, "--email", email, "--password-file", "-",
      "--role", role, ...(tenant ? ["--tenant", tenant] : [])], PASSWORD);
  }
  const file = join(folder, "collector.toml");
  writeFileSync(file, config);
  let { collector, ended } = serve(data, file);
  const stop = async () => {
    collector.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const restart = async (meanwhile) => {
    const at = addresses(data);
    collector.kill();
    await ended;
    await meanwhile();
    ({ collector, ended } = serve(data, file, at));
    await ready(collector, data);
  };
  try {
    await ready(collector, data);
    const { http, listen } = addresses(data);
    const url = `http://${http}`;
    const ask = await signIn(url, Object.keys(PEOPLE)[0]);
    for (const [tenant, sites] of Object.entries(CUSTOMERS)) {
      for (const site of Object.keys(sites)) await enrol(folder, data, listen, tenant, site);
    }
    for (const agent of await ask("GET", "/api/v1/agents")) {
      for (const address of CUSTOMERS[agent.tenant.name][agent.site.name]) {
        await ask("POST", "/api/v1/devices",
          { agent: agent.id, address, snmp: { version: "v2c", community: "public" } });
      }
    }
    return { url, stop, restart, ask };
  } catch (error) {
    await stop();
    throw error;
  }
}
