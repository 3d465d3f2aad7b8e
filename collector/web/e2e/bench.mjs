// node e2e/bench.mjs BASE_URL EMAIL MINUTES < PASSWORD
//
// The timed budgets of the web UI, in a real browser against a collector whose devices change all the
// time. Prints one JSON line per figure; `bench-web` starts the collector and this.
import { readFileSync } from "node:fs";
import { launch, open } from "./browser.mjs";
import { commitToPixel } from "./pixel.mjs";

const [base, email, minutes] = process.argv.slice(2);
const password = readFileSync(0, "utf8").trim();
const DESK = { width: 1440, height: 900 };
const WALL = { width: 1920, height: 1080 };
const BUDGET = {
  paint_ms: 1000, usable_ms: 2000, interaction_p75_ms: 100, interaction_max_ms: 200, task_ms: 100,
  main_percent: 15, pixel_p95_ms: 500, heap_mb: 20,
};
const LOADS = 3;
const BUSY_S = 20;
/** The wall has shown each of its views. */
const SETTLED_S = 120;
const ROWS = "[role=row][data-device]";

const figure = (name, value, unit, budget) =>
  console.log(JSON.stringify({ figure: name, value, unit, budget: budget ?? null }));
const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const middle = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const share = (values, part) => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part)] ?? 0;

const browser = await launch();
if (!browser) throw new Error("no Chromium: install the package `chromium` or set FARWATCH_CHROMIUM");

const first = await open(browser, { viewport: DESK, theme: "dark" });
await first.page.goto(`${base}/fleet`);
await first.page.fill("#email", email);
await first.page.fill("#password", password);
await first.page.click("button[type=submit]");
await first.page.waitForSelector(ROWS);
const storageState = await first.context.storageState();
await first.context.close();

// A fresh browser each time: nothing is in its cache.
const loads = [];
for (let at = 0; at < LOADS; at += 1) {
  const view = await open(browser, { viewport: DESK, theme: "dark", storageState });
  const { page } = view;
  await page.goto(`${base}/fleet`, { waitUntil: "commit" });
  const usable = await page.evaluate((rows) => new Promise((resolve) => {
    const look = () => {
      const painted = document.querySelectorAll(`${rows}:not([data-sample-at=""])`).length;
      if (painted >= 20) requestAnimationFrame(() => resolve(performance.now()));
      else requestAnimationFrame(look);
    };
    look();
  }), ROWS);
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
  loads.push({ usable, paint });
  await view.context.close();
}
figure("first_contentful_paint", middle(loads.map(({ paint }) => paint)), "ms", BUDGET.paint_ms);
figure("5000_devices_usable", middle(loads.map(({ usable }) => usable)), "ms", BUDGET.usable_ms);

const view = await open(browser, { viewport: DESK, theme: "dark", storageState });
const { page } = view;
await page.goto(`${base}/fleet`);
await page.waitForSelector(`${ROWS}:not([data-sample-at=""])`);
await page.waitForSelector("[data-live=live]");
const session = await view.context.newCDPSession(page);
await session.send("Performance.enable");
const metrics = async () => {
  const { metrics: all } = await session.send("Performance.getMetrics");
  return Object.fromEntries(all.map(({ name, value }) => [name, value]));
};
/** Share of the time that the page's main thread was at work, in percent. */
async function busy() {
  const before = await metrics();
  await wait(BUSY_S);
  const after = await metrics();
  return (100 * (after.TaskDuration - before.TaskDuration)) / (after.Timestamp - before.Timestamp);
}
await wait(5);
await page.evaluate(() => {
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
  }).observe({ type: "longtask" });
});
const busyShares = [await busy(), await busy(), await busy()];
figure("main_thread_at_500_a_second", middle(busyShares), "percent", BUDGET.main_percent);
figure("longest_task_at_500_a_second", await page.evaluate(() => window.longest), "ms", BUDGET.task_ms);

const pixel = await commitToPixel(page, { samples: 300, timeout: 60_000 });
figure("commit_to_pixel_p95", pixel.p95, "ms", BUDGET.pixel_p95_ms);

// What somebody does in the fleet: typing, sorting, walking, opening. From the key to the next paint.
await page.evaluate(() => {
  window.interactions = new Map();
  new PerformanceObserver((list) => {
    for (const { interactionId, duration } of list.getEntries()) {
      if (!interactionId) continue;
      window.interactions.set(interactionId, Math.max(window.interactions.get(interactionId) ?? 0, duration));
    }
  }).observe({ type: "event", durationThreshold: 16 });
});
const press = async (key) => {
  await page.keyboard.press(key);
  await wait(0.25);
};
for (let round = 0; round < 3; round += 1) {
  await press("/");
  for (const letter of "router-04") await press(letter);
  for (let at = 0; at < 9; at += 1) await press("Backspace");
  await press("Escape");
  for (const head of await page.$$("[role=columnheader] button")) {
    await head.click();
    await wait(0.25);
  }
  await page.locator(ROWS).first().focus();
  for (const key of "jjjjjkkk") await press(key);
}
const taken = await page.evaluate(() => [...window.interactions.values()]);
// What was painted within a frame or two is not reported: it counts as that.
figure("interaction_p75", Math.max(16, share(taken, 0.75)), "ms", BUDGET.interaction_p75_ms);
figure("interaction_max", Math.max(16, share(taken, 1)), "ms", BUDGET.interaction_max_ms);
console.log(`${taken.length} interactions took more than 16 ms`);
await view.context.close();

// The wall, for as long as was asked.
const wall = await open(browser, { viewport: WALL, theme: "dark", storageState });
await wall.page.goto(`${base}/wall`);
const wallSession = await wall.context.newCDPSession(wall.page);
const heap = async () => {
  await wallSession.send("HeapProfiler.collectGarbage");
  const { usedSize } = await wallSession.send("Runtime.getHeapUsage");
  return usedSize / 1e6;
};
await wait(SETTLED_S);
const before = await heap();
await wait(Math.max(0, Number(minutes) * 60 - SETTLED_S));
figure(`wall_heap_after_${minutes}_minutes`, (await heap()) - before, "MB", BUDGET.heap_mb);
figure("wall_heap", await heap(), "MB");
await browser.close();
