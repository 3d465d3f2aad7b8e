// node e2e/tour.mjs BASE_URL EMAIL OUT_DIR < PASSWORD
//
// Walks through a running demo as the README does, and leaves a picture of each stop in OUT_DIR. Prints
// «N passed, N failed» last.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { launch, open } from "./browser.mjs";

const [address, email, out] = process.argv.slice(2);
if (!address || !email || !out) {
  console.error("usage: node e2e/tour.mjs BASE_URL EMAIL OUT_DIR < PASSWORD");
  process.exit(2);
}
const password = readFileSync(0, "utf8").trim();
const base = address.replace(/\/+$/, "");
mkdirSync(out, { recursive: true });

const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
const TV = { width: 1920, height: 1080 };
const BUSY = "core-bern";

const browser = await launch();
if (!browser) throw new Error("no Chromium found: install the package `chromium` or set FARWATCH_CHROMIUM");
const desk = await open(browser, { viewport: DESK, theme: "dark" });
await desk.page.goto(base);
await desk.page.fill("#email", email);
await desk.page.fill("#password", password);
await desk.page.click("button[type=submit]");
await desk.page.waitForSelector("[data-live=live]");
const storageState = await desk.context.storageState();
storageState.origins = [];
const busy = await desk.page.evaluate(async (name) => {
  const { data } = await (await fetch("/api/v1/devices?limit=1000")).json();
  return (data.find((device) => device.name === name) ?? data[0]).id;
}, BUSY);

/** Name, path, and what is there when all is. */
const STOPS = [
  ["now", "/", "[data-incidents]:not([data-incidents=loading])"],
  ["sites", "/sites", "[data-site]"],
  ["fleet", "/fleet", "[role=row][data-device]"],
  ["device", `/devices/${busy}`, "[data-overview] [data-busy-ports] .u-over"],
  ["interfaces", `/devices/${busy}?tab=interfaces&from=now-24h&to=now`, "[data-chart=traffic] .u-over"],
  ["alerts", "/alerts", "[data-alert]"],
  ["config", "/config", "[data-row]"],
];

let [passed, failed] = [0, 0];
async function stop({ page }, name, path, settled) {
  try {
    await page.goto(`${base}${path}`);
    await page.waitForSelector(settled);
    await page.waitForFunction(() => !document.querySelector("[role=status][aria-label^=Loading]"));
    await page.screenshot({ path: join(out, `${name}.png`) });
    passed += 1;
    console.log(`ok   tour: ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL tour: ${name}\n     ${String(error.message ?? error).replaceAll("\n", "\n     ")}`);
  }
}
for (const [name, path, settled] of STOPS) {
  // One stop after the other, as somebody walks.
  // oxlint-disable-next-line no-await-in-loop
  await stop(desk, name, path, settled);
}
const phone = await open(browser, { viewport: PHONE, theme: "light", storageState, phone: true });
await stop(phone, "phone", "/", "[data-incidents]:not([data-incidents=loading])");
const wall = await open(browser, { viewport: TV, theme: "dark", storageState });
await stop(wall, "wall", "/wall", "[data-wall=now]");
const complaints = [...desk.complaints, ...phone.complaints, ...wall.complaints];
for (const complaint of complaints) console.log(`FAIL tour: ${complaint}`);
await browser.close();
console.log(`${passed} passed, ${failed + complaints.length} failed`);
process.exit(failed + complaints.length > 0 ? 1 : 0);
