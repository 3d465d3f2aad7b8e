// node e2e/smoke.mjs BASE_URL EMAIL OUT_DIR < PASSWORD
//
// Drives the real pages against a running collector that has live devices. Waits on conditions,
// never on time. Leaves screenshots in OUT_DIR and prints «N passed, N failed» last.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { alerts } from "./alerts.mjs";
import { axe, launch, open, signOut, violations } from "./browser.mjs";
import { charts } from "./charts.mjs";
import { config } from "./config.mjs";
import { hand } from "./hand.mjs";
import { keys } from "./keys.mjs";
import { ledger } from "./ledger.mjs";
import { notify } from "./notify.mjs";
import { now } from "./now.mjs";
import { offline } from "./offline.mjs";
import { commitToPixel } from "./pixel.mjs";
import { setup } from "./setup.mjs";
import { tenancy } from "./tenancy.mjs";
import { wall } from "./wall.mjs";

const [address, email, out] = process.argv.slice(2);
if (!address || !email || !out) {
  console.error("usage: node e2e/smoke.mjs BASE_URL EMAIL OUT_DIR < PASSWORD");
  process.exit(2);
}
const password = readFileSync(0, "utf8").trim();
const base = address.replace(/\/+$/, "");
mkdirSync(out, { recursive: true });

const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
const PIXEL_P95_MS = 500;

let passed = 0;
let failed = 0;
async function check(name, run) {
  try {
    const wrong = await run();
    if (wrong) throw new Error(Array.isArray(wrong) ? wrong.join("\n") : String(wrong));
    passed += 1;
    console.log(`ok   ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}\n     ${String(error.message ?? error).replaceAll("\n", "\n     ")}`);
  }
}
const wrongUnless = (condition, message) => (condition ? null : message);

const browser = await launch();
if (!browser) {
  console.log("no Chromium found: install the package `chromium` or set FARWATCH_CHROMIUM");
  console.log("0 passed, 1 failed");
  process.exit(1);
}

const desk = await open(browser, { viewport: DESK, theme: "dark" });
const { page } = desk;
const query = (target = page) => new URL(target.url()).searchParams;
const names = () => page.$$eval("[role=row][data-device] a", (links) => links.map((a) => a.textContent));
const liveRows = '[data-device]:not([data-sample-at=""])';
/** The axe run and the picture of a page, in its present theme. */
async function look(view, name) {
  await view.page.screenshot({ path: join(out, `${name}.png`) });
  await check(`${name}: axe finds nothing`, async () => {
    const found = await axe(view.context, view.page);
    return found.length > 0 ? found : null;
  });
}

await check("login: a wrong password is told apart", async () => {
  await page.goto(`${base}/fleet`);
  await page.fill("#email", email);
  await page.fill("#password", `${password}-wrong`);
  await page.click("button[type=submit]");
  await page.waitForSelector("[role=alert]");
});
await look(desk, "login-dark");
await check("login: the right one leads to the page asked for", async () => {
  await page.fill("#password", password);
  await page.click("button[type=submit]");
  await page.waitForURL("**/fleet**");
});
await check("fleet: the stream is live and rows have samples", async () => {
  await page.waitForSelector("[data-live=live]");
  await page.waitForSelector(liveRows, { timeout: 60_000 });
});
await check("fleet: cells change without a reload", async () => {
  await page.evaluate(() => (window.samePage = true));
  const cells = () => [...document.querySelectorAll("[data-cell=in]")].map((cell) => cell.textContent).join();
  const before = await page.evaluate(cells);
  await page.waitForFunction(
    (old) => [...document.querySelectorAll("[data-cell=in]")].map((c) => c.textContent).join() !== old,
    before, { timeout: 60_000 },
  );
  return wrongUnless(await page.evaluate(() => window.samePage), "the page was reloaded");
});
await look(desk, "fleet-dark");
await check("fleet: sort by click and by keyboard, kept in the URL", async () => {
  await page.click("[data-sort=name]");
  await page.waitForSelector("[role=columnheader][aria-sort=ascending] [data-sort=name]");
  const up = await names();
  const sorted = up.toSorted(new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare);
  if (up.join() !== sorted.join()) return `not in order: ${up.slice(0, 5)}`;
  await page.focus("[data-sort=name]");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[role=columnheader][aria-sort=descending] [data-sort=name]");
  return wrongUnless(query().get("sort") === "-name", page.url());
});
await check("fleet: / filters, Esc clears, the URL holds it", async () => {
  const [first] = await names();
  await page.locator("h1").click();
  await page.keyboard.press("/");
  await page.keyboard.type(first);
  await page.waitForFunction(
    (name) => [...document.querySelectorAll("[role=row][data-device]")].every((r) => r.textContent.includes(name)),
    first,
  );
  await page.waitForURL((url) => url.searchParams.get("q")?.includes(first));
  await page.keyboard.press("Escape");
  await page.waitForURL((url) => !url.searchParams.has("q"));
  await page.keyboard.press("Escape");
});
await check("fleet: j and k move the row", async () => {
  await page.locator("h1").click();
  const at = () => page.getAttribute("[role=grid] [data-chosen]", "aria-rowindex");
  await page.keyboard.press("j");
  await page.waitForSelector("[role=row][aria-rowindex='2'][data-chosen]");
  await page.keyboard.press("j");
  await page.waitForSelector("[role=row][aria-rowindex='3'][data-chosen]");
  await page.keyboard.press("k");
  await page.waitForSelector("[role=row][aria-rowindex='2'][data-chosen]");
  if ((await at()) !== "2") return await at();
  return wrongUnless(await page.evaluate(() => document.activeElement?.role === "grid"), "the grid has no focus");
});
await check("fleet: arrows, Home and End work with single keys switched off", async () => {
  await page.evaluate(() => localStorage.setItem("farwatch.keys", "off"));
  await page.keyboard.press("j");
  await page.keyboard.press("ArrowDown");
  await page.waitForSelector("[role=row][aria-rowindex='3'][data-chosen]");
  await page.keyboard.press("Home");
  await page.waitForSelector("[role=row][aria-rowindex='2'][data-chosen]");
  await page.keyboard.press("Escape");
  await page.waitForSelector("[role=row][data-chosen]", { state: "detached" });
  await page.evaluate(() => localStorage.removeItem("farwatch.keys"));
});
await check("add device: a bad address is told at its field", async () => {
  await page.click("text=Add device");
  await page.waitForSelector("#address");
  const agent = page.locator("#agent");
  if ((await agent.textContent())?.includes("Which site")) {
    await agent.click();
    await page.locator("[role=option]").first().click();
  }
  await page.fill("#address", "999.1.1.1.1 nonsense");
  await page.fill("#snmp-community", "public");
  await page.click("[role=dialog] button[type=submit]");
  await page.waitForSelector("[data-field-error=address]");
});
await look(desk, "add-device-dark");
await check("add device: the credential is found from where the device is polled, and taken", async () => {
  const known = await page.evaluate(async () => (await (await fetch("/api/v1/devices?state=up")).json()).data[0]);
  await page.fill("#address", known.address);
  await page.click("[data-find]");
  await page.waitForSelector("[data-found] [data-outcome=ok]:has-text('What is typed above')");
  if (!(await page.textContent("[data-found]")).includes(known.sys_name)) return "the device's name is not told";
  const inSight = () => document.querySelector("[data-found]").getBoundingClientRect().bottom <= innerHeight;
  return wrongUnless(await page.evaluate(inSight), "what was found is below the fold");
});
await look(desk, "add-device-found-dark");
await check("add device: what was found is of that host alone", async () => {
  await page.fill("#address", "192.0.2.77");
  await page.waitForSelector("[data-found]", { state: "detached" });
});
await page.keyboard.press("Escape");
await page.waitForSelector("[role=dialog]", { state: "detached" });

await check("commit to pixel", async () => {
  await page.mouse.move(5, 5);
  const figures = await commitToPixel(page, { samples: 25, timeout: 60_000 });
  console.log(JSON.stringify({ bench: "ui", figure: "commit_to_pixel", unit: "ms", ...figures }));
  return wrongUnless(figures.p95 <= PIXEL_P95_MS, `p95 ${figures.p95} ms, at most ${PIXEL_P95_MS}`);
});

let device = "";
await check("device: opens by Enter and shows live rates", async () => {
  await page.goto(`${base}/fleet?state=up`);
  await page.waitForSelector(liveRows);
  await page.locator("h1").click();
  await page.keyboard.press("j");
  await page.waitForSelector("[data-chosen][data-device]");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[data-panel=device]");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/devices/dev_**");
  device = new URL(page.url()).pathname;
  await page.waitForSelector("[data-overview] [data-busy-ports]");
  await page.locator("h1").click();
  await page.keyboard.press("2");
  await page.waitForURL((url) => url.searchParams.get("tab") === "interfaces");
  await page.waitForFunction(
    () => [...document.querySelectorAll("[data-object] [data-cell=in]")].some((c) => /\d/.test(c.textContent)),
    undefined, { timeout: 60_000 },
  );
});
await check("device: the chart has data and its live tail grows", async () => {
  await page.waitForFunction(() => Number(document.querySelector("[data-chart=traffic]")?.dataset.points) > 0,
    undefined, { timeout: 60_000 });
  const points = () => Number(document.querySelector("[data-chart=traffic]")?.dataset.points);
  const before = await page.evaluate(points);
  await page.waitForFunction(
    (old) => Number(document.querySelector("[data-chart=traffic]")?.dataset.points) > old,
    before, { timeout: 60_000 },
  );
});
await check("device: another interface is charted by keyboard", async () => {
  const title = await page.textContent("[data-chart-title]");
  await page.locator("h1").click();
  // The busiest port may be the last one.
  const isLast = await page.$$eval("[data-object]", (rows) => rows.at(-1).getAttribute("aria-selected") === "true");
  await page.keyboard.press(isLast ? "k" : "j");
  await page.waitForFunction(
    (old) => document.querySelector("[data-chart-title]")?.textContent !== old, title);
  return wrongUnless(query().get("if"), page.url());
});
await check("device: interfaces sort by traffic and filter by /", async () => {
  await page.click("[role=grid] [data-sort=in]");
  await page.waitForSelector("[role=columnheader][aria-sort=descending] [data-sort=in]");
  const [first] = await page.$$eval("[data-object] button", (all) => all.map((button) => button.textContent));
  await page.locator("h1").click();
  await page.keyboard.press("/");
  await page.keyboard.type(first);
  await page.waitForFunction((name) => [...document.querySelectorAll("[data-object]")].every((row) => row.textContent.includes(name)), first);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  return wrongUnless(page.url().includes("/devices/"), "Esc in the filter left the page");
});
await check("device: the same data stands in a table", async () => {
  await page.click("[data-as-table]");
  await page.waitForSelector("[data-chart=traffic] tbody tr");
  await page.click("[data-as-table]");
  await page.waitForSelector("[data-chart=traffic] .u-over");
});
await look(desk, "device-dark");
await check("device: the pointer reads every chart at one instant", async () => {
  const box = await page.locator("[data-chart=traffic] .u-over").boundingBox();
  if (!box) return "no chart";
  await page.mouse.move(box.x + box.width - 4, box.y + box.height / 2);
  await page.waitForFunction(() => {
    const times = [...document.querySelectorAll("[data-chart] [data-pointed] [data-readout=time]")];
    return times.length >= 4 && times.length === document.querySelectorAll("[data-chart]").length && /\d\d:\d\d:\d\d/.test(times[0].textContent)
      && times.every((time) => time.textContent === times[0].textContent);
  });
  await page.mouse.move(5, 5);
  await page.waitForSelector("[data-chart] [data-pointed]", { state: "detached" });
});
await check("device: echo and SNMP are told apart, each with its age", async () => {
  await page.waitForFunction(() => Number(document.querySelector("[data-chart=rtt]")?.dataset.points) > 0, undefined, { timeout: 60_000 });
  await page.keyboard.press("1");
  await page.waitForURL((url) => !url.searchParams.has("tab"));
  for (const way of ["echo", "snmp"]) await page.waitForSelector(`[data-asked=${way}][data-asked-state=up] time`, { timeout: 60_000 });
});
await check("device: polled by hand and by key, the result stands in its place", async () => {
  await page.click("[data-poll]");
  await page.waitForSelector("[data-polled] >> text=SNMP answered");
  await page.click("[aria-label='Close the result']");
  await page.waitForSelector("[data-polled]", { state: "detached" });
  await page.locator("h1").click();
  await page.keyboard.press("p");
  await page.waitForSelector("[data-polled] >> text=came back");
});
await look(desk, "device-polled-dark");
await check("device: its metrics have a page of their own, by keyboard too", async () => {
  await page.focus("[data-tab=interfaces]");
  await page.keyboard.press("ArrowRight");
  await page.waitForURL((url) => url.searchParams.get("tab") === "metrics");
  await page.waitForSelector("[data-metrics] [data-chart=rtt]");
});
await check("device: back to the interfaces, with the one that was charted", async () => {
  await page.click("[data-tab=interfaces]");
  await page.waitForURL((url) => url.searchParams.get("tab") === "interfaces" && url.searchParams.has("if"));
  await page.waitForSelector("[data-chart=traffic] .u-over");
});
await check("device: a drag zooms, the URL holds it, a double click goes back", async () => {
  const box = await page.locator("[data-chart=traffic] .u-over").boundingBox();
  if (!box) return "no chart";
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * 0.3, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, y, { steps: 6 });
  await page.mouse.up();
  await page.waitForURL((url) => /^\d{12,}$/.test(url.searchParams.get("from") ?? ""));
  await page.waitForSelector("text=Back to live");
  await page.mouse.dblclick(box.x + box.width / 2, y);
  await page.waitForURL((url) => url.searchParams.get("to") === "now");
});
await check("device: a typed range goes into the URL", async () => {
  await page.click("[data-range]");
  await page.fill("#typed", "last 2 hours");
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.searchParams.get("from") === "now-2h");
  await page.click("[data-zoom-out]");
  await page.waitForURL((url) => url.searchParams.get("from") === "now-4h" && url.searchParams.get("to") === "now");
});
await check("device: Esc leads back to the filter and the row", async () => {
  await page.locator("h1").click();
  await page.keyboard.press("Escape");
  await page.waitForURL((url) => url.pathname === "/fleet" && url.searchParams.get("state") === "up");
  await page.waitForSelector(`[data-device='${device.split("/").at(-1)}'][data-chosen]`);
});
await check("agents: listed with state and last ack", async () => {
  await page.locator("h1").click();
  await page.keyboard.press("g");
  await page.keyboard.press("e");
  await page.waitForURL("**/agents");
  await page.waitForSelector("[data-agent] [data-state=up]");
});
await look(desk, "agents-dark");
await check("agent: its panel tells what carries the session, and it answers a ping", async () => {
  await page.locator("[data-agent] td").first().click();
  await page.waitForURL((url) => url.searchParams.get("open")?.startsWith("agt_"));
  await page.waitForSelector("[data-panel=agent] [data-transport]");
  await page.click("[data-ping]");
  await page.waitForSelector("[data-panel=agent] >> text=Answered in");
});
await look(desk, "agent-dark");
await page.keyboard.press("Escape");
await page.waitForSelector("[data-panel]", { state: "detached" });
await check("new agent: a site makes a token and the commands that use it", async () => {
  await page.click("text=New agent");
  await page.fill("#site", "Rooftop North");
  await look(desk, "new-agent-form-dark");
  await page.click("[role=dialog] button[type=submit]");
  await page.waitForSelector("[role=dialog] code");
  await page.mouse.click(5, 5);
  return wrongUnless((await page.textContent("[role=dialog]"))?.includes("fw1_"), "no token in the dialog");
});
await look(desk, "new-agent-dark");
await page.keyboard.press("Escape");
await page.waitForSelector("[role=dialog]", { state: "detached" });
await check("API keys: the page opens", async () => {
  await page.goto(`${base}/settings/api-keys`);
  await page.waitForSelector("h1:has-text('API keys')");
  await page.waitForSelector("table, h2");
});
await look(desk, "api-keys-dark");
await check("help: ? lists the keys", async () => {
  await page.keyboard.press("?");
  await page.waitForSelector("[role=dialog] kbd");
  await page.keyboard.press("Escape");
});
await check("a page that does not exist says so", async () => {
  await page.goto(`${base}/no-such-page`);
  await page.waitForSelector("h1:has-text('Nothing here')");
  if (!(await page.title()).startsWith("Nothing here")) return `the title is ${await page.title()}`;
  return wrongUnless((await page.locator("main, [role=main]").count()) === 1, "not one main");
});

await check("theme: the switch turns the page light and is kept", async () => {
  await page.goto(`${base}/fleet`);
  await page.click("[data-theme-switch]");
  await page.waitForSelector("html[data-theme=light]");
  await page.reload();
  await page.waitForSelector("html[data-theme=light]");
});
/** What scrolls sideways: the page, or a list inside it whose columns do not fit. */
async function sideways(target) {
  const wide = await target.evaluate(() => [...document.querySelectorAll("*")]
    .filter((el) => el === document.documentElement || /auto|scroll/.test(getComputedStyle(el).overflowX))
    .map((el) => [el.getAttribute("aria-label") || el.id || "page", el.scrollWidth - el.clientWidth])
    .filter(([, over]) => over > 0)
    .map(([name, over]) => `${name} scrolls sideways by ${over} px at ${innerWidth} px`));
  // The page scrolls in its own place; the document never does.
  const deep = await target.evaluate(() => document.documentElement.scrollHeight - innerHeight);
  if (deep > 0) wide.push(`the document is ${deep} px deeper than its window`);
  return wide.length > 0 ? wide : null;
}
const SETTLED = {
  now: "[data-incidents]:not([data-incidents=loading])", sites: "[data-site]",
  fleet: liveRows, device: "[data-overview] [data-busy-ports] .u-over", agents: "[data-agent]", account: "dl", tenants: "[data-row]",
  "api-keys": "table, h2",
};
const PATHS = {
  now: "/", sites: "/sites",
  fleet: "/fleet", device, agents: "/agents", account: "/settings/account", tenants: "/settings/tenants",
  "api-keys": "/settings/api-keys",
};
async function tour(view, suffix) {
  for (const [name, path] of Object.entries(PATHS)) {
    await check(`${name}-${suffix}: shows`, async () => {
      await view.page.goto(base + path);
      await view.page.waitForSelector(SETTLED[name]);
      await view.page.waitForSelector("[data-live=live]");
      return sideways(view.page);
    });
    await look(view, `${name}-${suffix}`);
  }
}
await tour(desk, "light");
for (const width of [1420, 1419, 1320, 1280, 1024, 840, 768]) {
  await check(`every page fits ${width} px`, async () => {
    await page.setViewportSize({ width, height: DESK.height });
    const wide = [];
    for (const [name, path] of Object.entries(PATHS)) {
      await page.goto(base + path);
      await page.waitForSelector(SETTLED[name]);
      wide.push(...((await sideways(page)) ?? []));
    }
    return wide.length > 0 ? wide : null;
  });
}
await page.setViewportSize(DESK);

const storageState = await desk.context.storageState();
storageState.origins = [];
const phone = await open(browser, { viewport: PHONE, theme: "dark", storageState, phone: true });
await tour(phone, "phone");
await check("phone: every control is big enough", async () => {
  await phone.page.goto(`${base}/fleet`);
  await phone.page.waitForSelector("[data-device]");
  const small = await phone.page.$$eval("a, button, input", (all) =>
    all.map((el) => [el.getBoundingClientRect(), el.getAttribute("aria-label") ?? el.textContent])
      .filter(([box]) => box.width > 1 && box.height > 1 && (box.height < 43.5 || box.width < 43.5))
      .map(([box, text]) => `${text}: ${box.width}x${box.height}`));
  return small.length > 0 ? small : null;
});
await check("phone: a tap on an interface leads to its charts", async () => {
  await phone.page.goto(`${base}${device}?tab=interfaces`);
  await phone.page.waitForSelector("[data-chart=traffic]");
  const above = await phone.page.locator("[role=grid][aria-label=Interfaces]").evaluate((grid) => grid.scrollTop);
  if (above > 0) return `the list begins ${above} px down`;
  await phone.page.locator("[data-object]").nth(1).tap();
  await phone.page.waitForFunction(() => {
    const { top, bottom } = document.querySelector("[data-chart-title]").getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight / 2;
  });
});
await check("sign out ends the session in every tab", async () => {
  await signOut(phone.page);
  await phone.page.waitForURL("**/login**");
});
await tenancy(browser, { check, look, sideways });
await now(browser, { check, look, sideways });
await alerts(browser, { check, look, sideways });
await notify(browser, { check, look, sideways });
await config(browser, { check, look, sideways });
await charts(browser, { check, look, sideways });
await ledger(browser, { check, look, sideways });
await wall(browser, { check, look, sideways });
await setup(browser, { check, look, sideways });
await keys(browser, { check, look, sideways });
await hand(browser, { check, sideways });
await offline(browser, { check, look, sideways });
await check("nothing was logged and the policy held", async () => {
  const all = [...desk.complaints, ...phone.complaints, ...(await violations(page)), ...(await violations(phone.page))];
  return all.length > 0 ? all : null;
});

await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
