// What an agent lost for good: its page, the head of every page and the charts tell it. The agent is really killed, and
// its buffer really damaged.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ADMIN, onOneSite } from "./alert-stack.mjs";
import { signInPage, until } from "./stack.mjs";

const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
/** Two and a half polls of five seconds are a gap; a little more, so that it is seen. */
const AWAY_MS = 16_000;
const DELIVERED_MS = 60_000;
/** Of 30 s of silence; the machine may be busy. */
const OFFLINE_MS = 60_000;
const wrongUnless = (condition, message) => (condition ? null : message);

export async function ledger(browser, { check, look, sideways }) {
  await onOneSite(browser, "ledger", check, async (site, view) => {
    const desk = await view({ viewport: DESK, theme: "dark" });
    const [{ id }] = await site.ask("GET", "/api/v1/agents");
    const at = { site, id, page: desk.page, check };
    await nothingLost(at);
    await look(desk, "ledger-empty-dark");
    await killed(at);
    await damaged(at);
    await look(desk, "ledger-dark");
    await hatched(at);
    await look(desk, "ledger-chart-dark");
    await stopped(at);
    await look(desk, "ledger-stopped-dark");
    await troubled(at);
    const storageState = await desk.context.storageState();
    storageState.origins = [];
    const others = {
      light: await view({ viewport: DESK, theme: "light", storageState }), phone: await view({ viewport: PHONE, theme: "light", storageState, phone: true }),
    };
    const paths = {
      ledger: [`/agents/${id}`, "[data-ledger] [data-reason=corrupt]"],
      "ledger-chart": [`/devices/${site.mortalId}?tab=interfaces&from=now-5m&to=now`, "[data-chart=traffic] [data-hatched]"],
      "ledger-agents": ["/agents?show=trouble", `[data-agent='${id}']`],
    };
    for (const [suffix, made] of Object.entries(others)) {
      for (const [name, [path, settled]] of Object.entries(paths)) {
        await check(`${name}-${suffix}: shows, and fits`, async () => {
          await made.page.goto(site.url + path);
          await made.page.waitForSelector(settled);
          await made.page.waitForSelector("[data-data-health=wrong]");
          return sideways(made.page);
        });
        await look(made, `${name}-${suffix}`);
      }
    }
  });
}

async function nothingLost({ site, id, page, check }) {
  await check("ledger: while all is well it says so, and what would be told here", async () => {
    await signInPage(page, site.url, ADMIN, `/agents/${id}`);
    await page.waitForSelector("[data-ledger='0'] [data-ledger-empty]:has-text('No loss was declared in 7 days')");
    await page.waitForSelector("[data-complete]:has-text('missing without explanation')");
    await page.waitForSelector("[data-backfill=done]");
    await page.waitForSelector("[data-data-health=well]:has-text('The agent delivers')");
  });
}

/** Ends it, for long enough to be missed. */
async function missed({ site, id }, end) {
  await end();
  await until("the agent to be missed", async () => {
    const { last_seen_at: seen } = await site.ask("GET", `/api/v1/agents/${id}`);
    return Date.now() - Date.parse(seen) > AWAY_MS;
  });
}

/** As a power cut does. */
async function away(at, meanwhile = () => {}) {
  await missed(at, at.site.killAgent);
  await meanwhile();
  at.site.startAgent();
}

async function killed(at) {
  const { page, check } = at;
  let claimed = null;
  await check("ledger: what a kill took is told by the open page, and by the head of it", async () => {
    await away(at, async () => {
      // While nobody can know what it has lost, nothing is claimed.
      await page.waitForSelector("[data-backfill=silent]:has-text('offline at 30 s')", { timeout: OFFLINE_MS });
      await page.waitForSelector("[data-backfill=away]:has-text('Not known until it is back')", { timeout: OFFLINE_MS });
      claimed = await page.locator("[data-ledger]:has-text('No loss was declared'), [data-complete]").count();
    });
    await page.waitForSelector("[data-ledger='2'] [data-reason=crash]:has-text('killed or lost power')", { timeout: DELIVERED_MS });
    await page.waitForSelector("[data-data-health=wrong]:has-text('1 agent lost data in 24 h')", { timeout: DELIVERED_MS });
    return wrongUnless(claimed === 0, `${claimed} claims while it was away`);
  });
}

async function damaged(at) {
  const { site, page, check } = at;
  await check("ledger: a damaged buffer is another cause, told apart and summed", async () => {
    await away(at, () => {
      const file = join(site.agentDir, "buffer.db");
      writeFileSync(file, Buffer.alloc(1 << 16, 7));
      writeFileSync(`${file}-wal`, "");
    });
    await page.waitForSelector("[data-ledger] [data-sums='2'] [data-reason=corrupt]:has-text('1 gap')", { timeout: DELIVERED_MS });
    await page.waitForFunction(() => document.querySelectorAll("[data-ledger] [data-row]").length === 2);
    const rows = await page.$$eval("[data-ledger] [data-row]", (all) => all.map((row) => row.textContent));
    // Of each there is a gap of gauges, one of counters and maybe one of changes of state, told as one loss.
    const of = (word) => rows.filter((row) => row.includes(word) && /counters,.* levels and pings/.test(row)).length;
    return wrongUnless(of("disk") === 1 && of("killed") === 1 && rows.length === 2, rows.join("\n"));
  });
}

async function pointAt(page, ms) {
  const chart = await page.locator("[data-chart=traffic]").evaluate(({ dataset }) => ({ from: Number(dataset.from), to: Number(dataset.to) }));
  const box = await page.locator("[data-chart=traffic] .u-over").boundingBox();
  await page.mouse.move(box.x + (box.width * (ms - chart.from)) / (chart.to - chart.from), box.y + box.height / 2);
}

async function stopped({ site, id, page, check }) {
  await check("ledger: where the agent was stopped in order the pointer says so, and nothing is lost by it", async () => {
    const lost = (await site.ask("GET", `/api/v1/agents/${id}`)).lost_24h;
    await missed({ site, id }, site.stopAgent);
    site.startAgent();
    const absence = async () => {
      const links = await site.ask("GET", `/api/v1/agents/${id}/links`);
      const end = links.findIndex(({ event, reason }) => event === "ended" && reason === "stopped");
      return end > 0 && { from: Date.parse(links[end].at), to: Date.parse(links[end - 1].at) };
    };
    await until("the agent to be back", absence);
    const { from, to } = await absence();
    await until("a poll after it", async () => Date.parse((await site.ask("GET", `/api/v1/devices/${site.mortalId}`)).last_sample_at) > to);
    await page.goto(`${site.url}/devices/${site.mortalId}?tab=interfaces&from=now-5m&to=now`);
    await page.waitForSelector("[data-chart=traffic] [data-hatched]");
    await page.waitForFunction((at) => Number(document.querySelector("[data-chart=traffic]").dataset.to) > at, to);
    await pointAt(page, (from + to) / 2);
    await page.waitForSelector("[data-chart=traffic] [data-readout=why]:text-matches('the agent was (stopped|not running)')");
    const { gaps, samples } = (await site.ask("GET", `/api/v1/agents/${id}`)).lost_24h;
    return wrongUnless(gaps === lost.gaps && samples === lost.samples, `${gaps} gaps are lost`);
  });
}

async function hatched({ site, id, page, check }) {
  await check("ledger: charts hatch it, and the pointer reads why", async () => {
    const gaps = await site.ask("GET", `/api/v1/agents/${id}/gaps`);
    const { from, to } = gaps.find(({ reason }) => reason === "crash");
    const middle = (Date.parse(from) + Date.parse(to)) / 2;
    await page.goto(`${site.url}/devices/${site.mortalId}?tab=interfaces&from=now-5m&to=now`);
    await page.waitForSelector("[data-chart=traffic] [data-hatched]:has-text('killed or lost power')");
    await pointAt(page, middle);
    await page.waitForSelector("[data-chart=traffic] [data-readout=why]:has-text('no data: the agent was killed or lost power')");
    const values = await page.locator("[data-chart=traffic] [data-readout=value]").allTextContents();
    return wrongUnless(values.every((value) => value === "–"), values.join());
  });
}

async function troubled({ site, id, page, check }) {
  await check("ledger: the head leads to the agents that it is about, and back to all of them", async () => {
    await page.click("[data-data-health]");
    await page.waitForURL((to) => to.pathname === "/agents" && to.searchParams.get("show") === "trouble");
    await page.waitForSelector(`[data-agent='${id}']:has-text('lost data')`);
    await page.click("[data-chip]");
    await page.waitForURL((to) => to.pathname === "/agents" && !to.searchParams.has("show"));
    await page.waitForSelector(`[data-agent='${id}']`);
    await page.goto(site.url);
    await page.waitForSelector("[data-late=losing]");
  });
}
