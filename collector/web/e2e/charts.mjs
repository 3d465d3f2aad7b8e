// The page of a device with its own site: tabs, range, comparison, files, events, paper, and the large figures of who stands at it.
import { readFileSync } from "node:fs";
import { ADMIN, oneSite } from "./alert-stack.mjs";
import { violations, viewsOf } from "./browser.mjs";
import { signInPage } from "./stack.mjs";

const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
/** Somebody with gloves on, at arm's length. */
const LARGE_PX = 44;
const wrongUnless = (condition, message) => (condition ? null : message);
const query = (page) => new URL(page.url()).searchParams;

export async function charts(browser, { check, look, sideways }) {
  const site = await oneSite();
  const { views, view } = viewsOf(browser);
  try {
    const { url, ask, mortalId } = site;
    await ask("PATCH", `/api/v1/devices/${mortalId}`, { ping: true });
    // Where the clocks show UTC no zone is offered.
    const desk = await view({ viewport: DESK, theme: "dark", timezoneId: "Europe/Zurich" });
    await signInPage(desk.page, url, ADMIN);
    const device = `${url}/devices/${mortalId}`;
    const all = { url, device, page: desk.page, check, look: (name) => look(desk, name), sideways };
    await overview(all);
    await range(all);
    await compared(all);
    await files(all);
    await events(all);
    await metrics(all);
    await paper(all);
    const storageState = await desk.context.storageState();
    storageState.origins = [];
    const phone = await view({ viewport: PHONE, theme: "dark", storageState, phone: true });
    await live({ ...all, page: phone.page, look: (name) => look(phone, name) });
    const light = await view({ viewport: DESK, theme: "light", storageState });
    for (const tab of ["overview", "metrics", "events"]) {
      await light.page.goto(tab === "overview" ? device : `${device}?tab=${tab}`);
      await light.page.waitForSelector(tab === "metrics" ? "[data-metrics] .u-over" : `[data-${tab}]`);
      await look(light, `device-${tab}-light`);
    }
    await check("charts: nothing was logged and the policy held", async () => {
      // The stream was cut on purpose.
      const said = views.flatMap(({ complaints }) => complaints).filter((text) => !text.includes("net::ERR_FAILED"));
      for (const { page } of views) said.push(...(await violations(page)));
      return said.length > 0 ? said : null;
    });
  } finally {
    for (const { context } of views) await context.close();
    await site.stop();
  }
}

async function overview({ device, page, check, look, sideways }) {
  await check("device: its overview says how it is and since when, what answers, which ports carry most, and its facts", async () => {
    await page.goto(`${device}?from=now-5m&to=now`);
    await page.waitForSelector("[data-state-strip=up] [data-up-share]");
    await page.waitForSelector("[data-asked=echo][data-asked-state=up] [data-tile=echo-rtt] .u-over", { timeout: 60_000 });
    await page.waitForSelector("[data-busy-port] [data-tile=traffic] .u-over", { timeout: 60_000 });
    await page.waitForSelector("[data-latest-events] li:has-text('seen for the first time')");
    return sideways(page);
  });
  await look("device-overview");
  await check("device: five tabs by their keys, each in the URL", async () => {
    await page.locator("h1").click();
    for (const [key, tab] of [["2", "interfaces"], ["3", "metrics"], ["4", "events"], ["5", "config"], ["1", null]]) {
      await page.keyboard.press(key);
      await page.waitForURL((at) => at.searchParams.get("tab") === tab);
      await page.waitForSelector(`[data-tab=${tab ?? "overview"}][aria-selected=true]`);
    }
  });
}

async function range({ device, page, check, look }) {
  await check("range: zoomed by a click, paused in the past, and back to live", async () => {
    await page.goto(`${device}?tab=interfaces&from=now-1h&to=now`);
    await page.waitForSelector("[data-follows=live]");
    await page.click("[data-zoom-in]");
    await page.waitForURL((at) => at.searchParams.get("from") === "now-1800s" && at.searchParams.get("to") === "now");
    await page.locator("h1").click();
    await page.keyboard.press("[");
    await page.click("[data-follows=paused]");
    await page.waitForURL((at) => at.searchParams.get("to") === "now");
    await page.waitForSelector("[data-follows=live]");
  });
  await check("range: days of the calendar by keyboard alone", async () => {
    await page.locator("h1").click();
    await page.keyboard.press("t");
    await page.waitForSelector("[data-calendar] [data-day]");
    await page.locator("[data-calendar] [data-day][tabindex='0']").focus();
    for (const key of ["ArrowLeft", "ArrowLeft", "Enter", "ArrowRight", "Enter"]) await page.keyboard.press(key);
    await page.waitForURL((at) => /^\d{12,}$/.test(at.searchParams.get("from") ?? "") && /^\d{12,}$/.test(at.searchParams.get("to") ?? ""));
    const [from, to] = ["from", "to"].map((name) => Number(query(page).get(name)));
    const hours = (to - from) / 3_600_000;
    // Two days; with summer time between them an hour more or less.
    return wrongUnless(Math.abs(hours - 48) <= 1, `${hours} hours`);
  });
  await check("range: what was used is offered again, and the zone is in the URL", async () => {
    await page.click("[data-range]");
    await page.waitForSelector("[data-recent='1']");
    await look("device-range-picker");
    await page.click("[data-zone=utc]");
    await page.waitForURL((at) => at.searchParams.get("zone") === "utc");
    await page.keyboard.press("Escape");
    await page.waitForSelector("[data-range]:has-text('UTC')");
  });
}

async function compared({ device, page, check }) {
  await check("compare: the same a week before, the day before, and off, by one key", async () => {
    await page.goto(`${device}?tab=interfaces&from=now-5m&to=now`);
    await page.waitForSelector("[data-chart=traffic] .u-over");
    await page.locator("h1").click();
    for (const [choice, words] of [["7d", "and the week before"], ["1d", "and the day before"], [null, "Compare"]]) {
      await page.keyboard.press("w");
      await page.waitForURL((at) => at.searchParams.get("compare") === choice);
      await page.waitForSelector(`[data-compare]:has-text('${words}')`);
      await page.waitForSelector(choice ? `[data-chart=traffic][data-compared='${choice}']` : "[data-chart=traffic]:not([data-compared])");
    }
  });
}

async function files({ device, page, check }) {
  await check("files: the CSV of a chart says what its table says", async () => {
    // Of a time that is over, so that nothing comes in between.
    const to = Date.now() - 2000;
    await page.goto(`${device}?tab=interfaces&zone=utc&from=${to - 120_000}&to=${to}`);
    await page.waitForFunction(() => Number(document.querySelector("[data-chart=traffic]")?.dataset.points) > 0, undefined, { timeout: 60_000 });
    await page.click("[data-chart=traffic] [data-own-table]");
    await page.waitForSelector("[data-chart=traffic] tbody tr");
    const rows = await page.$$eval("[data-chart=traffic] tbody tr", (all) => all.map((row) =>
      [Number(row.dataset.at), ...[...row.querySelectorAll("[data-value]")].map((cell) => cell.dataset.value)].join()));
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("[data-chart=traffic] [data-csv]")]);
    const text = readFileSync(await download.path(), "utf8");
    if (!/-Traffic-.*\.csv$/.test(download.suggestedFilename())) return download.suggestedFilename();
    const [head, ...lines] = text.trimEnd().split("\r\n");
    if (!head.startsWith("Time,In (b/s)")) return head;
    const told = lines.map((line) => {
      const [time, ...cells] = line.split(",");
      return [Date.parse(time) / 1000, ...cells].join();
    });
    if (!lines.every((line) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z,/.test(line))) return lines[0];
    return wrongUnless(rows.length > 0 && told.toReversed().join("\n") === rows.join("\n"), `${told[0]} is not ${rows.at(-1)}`);
  });
}

async function events({ device, page, check, look, sideways }) {
  await check("events: marks on the axis of each chart, stepped through by a key that all charts follow", async () => {
    await page.goto(`${device}?tab=interfaces&from=now-15m&to=now`);
    await page.waitForSelector("[data-chart=traffic] [data-chart-mark]");
    await page.waitForSelector("[data-timeline] [data-mark]");
    await page.locator("h1").click();
    await page.keyboard.press(",");
    await page.waitForSelector("[data-timeline] [data-told]");
    await page.waitForFunction(() => document.querySelectorAll("[data-chart] [data-pointed]").length === document.querySelectorAll("[data-chart]").length);
    await page.locator("[data-chart=traffic] [data-chart-mark]").first().hover();
    await page.waitForSelector("[data-chart=traffic] [data-told]");
  });
  await check("events: a list by day, narrowed by kind, and half an hour around one of them", async () => {
    await page.goto(`${device}?tab=events`);
    await page.waitForSelector("[data-events] [data-day]");
    await page.click("[data-events] button:has-text('Restarts')");
    await page.waitForURL((at) => at.searchParams.get("kinds") === "reboot");
    await page.waitForSelector("h2:has-text('Nothing of these kinds')");
    await page.click("[data-events] [data-kind=all]");
    await page.waitForSelector("[data-event=state_changed]");
    return sideways(page);
  });
  await look("device-events");
  await check("events: the charts around an event", async () => {
    await page.locator("[data-event=state_changed] [data-around]").first().click();
    await page.waitForSelector("[data-overview]");
    const [from, to] = ["from", "to"].map((name) => Number(query(page).get(name)));
    // Of the half hour after it only what there is by now.
    return wrongUnless(to - from > 1_800_000 && to - from < 3_600_000 && to <= Date.now() && !query(page).has("tab"), page.url());
  });
}

async function metrics({ device, page, check, look, sideways }) {
  await check("metrics: every series has a chart that names it, and is found by a word", async () => {
    await page.goto(`${device}?tab=metrics&from=now-5m&to=now`);
    await page.waitForSelector("[data-metrics] .u-over");
    await look("device-metrics");
    const infos = await page.evaluate(async () => (await (await fetch(`/api/v1${location.pathname}/metrics`)).json()).data);
    const cards = await page.locator("[data-metric]").count();
    if (cards === 0 || cards > infos.length) return `${cards} cards of ${infos.length} series`;
    await page.keyboard.press("/");
    await page.keyboard.type("if:1 octets");
    await page.waitForFunction(() => document.querySelectorAll("[data-metric]").length === 1);
    await page.waitForSelector("[data-metric] code:has-text('if_in_octets_total if_out_octets_total')");
    await page.waitForURL((at) => at.searchParams.get("find") === "if:1 octets");
    return sideways(page);
  });
}

async function paper({ device, page, check, look }) {
  await check("paper: light, without what it is worked by, with address, time and who printed it", async () => {
    await page.goto(`${device}?from=now-5m&to=now`);
    await page.waitForSelector("[data-overview] .u-over");
    await page.emulateMedia({ media: "print" });
    await page.waitForSelector("html[data-theme=light]");
    const foot = await page.textContent("[data-print-foot]");
    const shown = await page.$$eval("nav[aria-label=Main], [data-range-bar], main header button, [data-poll], [data-tab]", (all) => all.filter((one) => one.checkVisibility()).length);
    if (shown > 0) return `${shown} controls are on the paper`;
    await page.waitForSelector("[data-print-foot] >> visible=true");
    await look("device-print");
    await page.emulateMedia({ media: "screen" });
    await page.waitForSelector("html[data-theme=dark]");
    return wrongUnless(foot.includes(device) && foot.includes(ADMIN) && /printed .*\d\d:\d\d:\d\d/.test(foot), foot);
  });
}

async function live({ device, page, check, look, sideways }) {
  await check("live: large figures with a word for each, controls for a thumb, and nothing beside the screen", async () => {
    await page.goto(`${device}/live`);
    await page.waitForSelector("[data-live-page=live] [data-large=rtt] [data-state], [data-live-page=live] [data-large=rtt]:has-text('answers')");
    await page.waitForSelector("[data-large=loss]:has-text('none in ')", { timeout: 60_000 });
    await page.waitForSelector("[data-large=snmp]:has-text('answers')");
    const sizes = await page.$$eval("[data-large-value]", (all) => all.map((one) => Number.parseFloat(getComputedStyle(one).fontSize)));
    if (sizes.some((size) => size < LARGE_PX)) return `figures of ${sizes.join()} px`;
    const small = await page.$$eval("main a, main button", (all) => all.map((one) => [one.getBoundingClientRect(), one.textContent])
      .filter(([box]) => box.height < 43.5 || box.width < 43.5).map(([box, text]) => `${text}: ${box.width}x${box.height}`));
    return small.length > 0 ? small : sideways(page);
  });
  await look("live-phone");
  await check("live: without the stream it says that it waits, and believes no figure", async () => {
    await page.route("**/api/v1/events*", (route) => route.abort());
    await page.reload();
    await page.waitForSelector("[data-live-page=waiting] [data-waiting]");
    await page.waitForSelector("[data-large] .stale");
    await page.unroute("**/api/v1/events*");
    await page.waitForSelector("[data-live-page=live]", { timeout: 60_000 });
  });
}
