// Wallboards: one is made under Settings, its link opens it where nobody is signed in, and it goes on
// by itself through a device that dies, a collector that restarts, and its own end.
import { MORTAL, oneSite } from "./alert-stack.mjs";
import { open } from "./browser.mjs";
import { openAs, twoCustomers } from "./stack.mjs";

const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
const TV = { width: 1920, height: 1080 };
/** What one reads at three metres. */
const TEXT_PX = 28;
/** A stream looks once a minute whether it may go on; the machine may be busy. */
const END_MS = 150_000;
const TURN_MS = 90_000;
const ADMIN = "noc@farwatch.example";
const wrongUnless = (condition, message) => (condition ? null : message);

/** Adds the checks of wallboards to the list; `check` and `look` as the smoke test has them. */
export async function wall(browser, tools) {
  const views = [];
  const view = async (options, opening = open(browser, options)) => {
    views.push(await opening);
    return views.at(-1);
  };
  for (const [start, drive] of [[twoCustomers, made], [oneSite, dying]]) {
    const stack = await start();
    try {
      await drive(stack, view, tools, browser);
    } finally {
      await Promise.allSettled(views.map(({ context }) => context.close()));
      await stack.stop();
    }
  }
  await tools.check("wall: nothing was logged", async () => {
    // What nobody answers while the collector is away is logged by the browser itself.
    const all = views.flatMap(({ complaints }) => complaints).filter((line) => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/.test(line));
    return all.length > 0 ? all : null;
  });
}

const next = async (page, kind) => {
  await page.keyboard.press("ArrowRight");
  await page.waitForSelector(`[data-wall=${kind}]`);
};

/** Made, opened, narrowed, restarted, removed. */
async function made({ url, ask, restart }, view, { check, look, sideways }, browser) {
  const desk = await view({}, openAs(browser, url, ADMIN, { viewport: DESK, theme: "dark" }));
  const { page } = desk;
  let link = "";
  await check("wallboards: the empty list says how one comes to the wall", async () => {
    await page.goto(`${url}/settings/wallboards`);
    await page.waitForSelector("h2:has-text('No wallboard yet')");
    return wrongUnless((await page.locator("main ol li").count()) === 3, "not three steps");
  });
  await check("wallboards: one is made, and its link is shown once", async () => {
    await page.click("text=Make the first wallboard");
    await page.click("[role=dialog] button[type=submit]");
    await page.waitForSelector("[data-field-error=screen-name]");
    await page.fill("#screen-name", "Hall");
    await page.click("text=Add a view");
    await page.fill("#screen-every", "3600");
    await page.click("[role=dialog] button[type=submit]");
    await page.waitForSelector("[role=dialog] svg[role=img]");
    link = (await page.textContent("[role=dialog] code")) ?? "";
    return wrongUnless(link.startsWith(`${url}/wall#fws_`), link);
  });
  await look(desk, "wallboards-link");
  await page.click("text=I have it on the screen");
  const tv = await view({ viewport: TV, theme: "light" });
  await check("wall: the link opens it, and its token goes from the address", async () => {
    await tv.page.goto(link);
    await tv.page.waitForSelector("[data-wall=now] [data-wall-age=live]");
    if (tv.page.url() !== `${url}/wall`) return tv.page.url();
    // Dark, whatever was chosen in this browser.
    return wrongUnless((await tv.page.getAttribute("html", "data-theme")) === "dark", "not dark");
  });
  await check("wall: shows both customers, and still does after it was loaded anew", async () => {
    await tv.page.reload();
    await tv.page.waitForSelector("[data-wall=now]");
    await next(tv.page, "sites");
    await tv.page.waitForSelector("[data-wall-site]");
    const text = await tv.page.textContent("main");
    return wrongUnless(text.includes("Alpine Fibre") && text.includes("Borealis Net"), text);
  });
  await check("wall: its browser is no screen elsewhere, where somebody signs in", async () => {
    await tv.page.goto(`${url}/fleet`);
    await tv.page.waitForURL(/\/login/);
    await tv.page.goto(`${url}/wall`);
    await tv.page.waitForSelector("[data-wall=now]");
  });
  await check("wall: one of a single tenant shows nothing of another", async () => {
    const { id } = (await ask("GET", "/api/v1/tenants")).find(({ name }) => name === "Borealis Net");
    const { token } = await ask("POST", "/api/v1/screens", { name: "Door", tenants: [id], every_s: 3600, views: [{ kind: "sites" }, { kind: "fleet" }] });
    const door = await view({ viewport: TV, theme: "dark" });
    await door.page.goto(`${url}/wall`);
    await door.page.fill("#wall-link", "nonsense");
    await door.page.click("text=Open the screen");
    await door.page.waitForSelector("[data-field-error]:has-text('no link of a screen')");
    await door.page.fill("#wall-link", `${url}/wall#${token}`);
    await door.page.click("text=Open the screen");
    await door.page.waitForSelector("[data-wall=sites] [data-wall-site]");
    const sites = await door.page.textContent("main");
    await next(door.page, "fleet");
    await door.page.waitForSelector("[data-wall-device]");
    const fleet = await door.page.textContent("main");
    await door.context.close();
    return wrongUnless(!`${sites} ${fleet}`.includes("Alpine") && sites.includes("Borealis Net"), `${sites} ${fleet}`);
  });
  await check("wall: a link that is not whole says so", async () => {
    const lost = await view({ viewport: DESK, theme: "dark" });
    await lost.page.goto(`${link.slice(0, -3)}`);
    await lost.page.waitForSelector("[data-field-error]:has-text('opens no screen')");
    await look(lost, "wall-gate");
    await lost.context.close();
  });
  await check("wall: a restart of the collector is told, and survived", async () => {
    await tv.page.evaluate(() => (window.samePage = true));
    await restart(() => tv.page.waitForSelector("[data-wall-age=lost]", { timeout: TURN_MS }));
    await tv.page.waitForSelector("[data-wall-age=live]", { timeout: TURN_MS });
    return wrongUnless(await tv.page.evaluate(() => window.samePage), "the page was loaded anew");
  });
  await check("wallboards: the list says which and when; it fits every screen", async () => {
    await page.goto(`${url}/settings/wallboards`);
    await page.waitForFunction(() => document.querySelectorAll("[data-row]").length === 2);
    const row = await page.locator("[data-row]", { hasText: "Hall" }).textContent();
    if (!row.includes("Now, Sites, Fleet, Alerts") || !row.includes("1 h each") || !row.includes("Showing now")) return row;
    return sideways(page);
  });
  await look(desk, "wallboards-dark");
  const storageState = await desk.context.storageState();
  storageState.origins = [];
  for (const [name, options] of [["light", { viewport: DESK, theme: "light" }], ["phone", { viewport: PHONE, theme: "dark", phone: true }]]) {
    const other = await view({ ...options, storageState });
    await check(`wallboards-${name}: shows`, async () => {
      await other.page.goto(`${url}/settings/wallboards`);
      await other.page.waitForSelector("[data-row]");
      return sideways(other.page);
    });
    await look(other, `wallboards-${name}`);
  }
  await check("wall: who is signed in sees it as a preview", async () => {
    await page.goto(`${url}/wall`);
    await page.waitForSelector("[data-wall=now]");
    await page.waitForSelector("[data-wall-hint]:has-text('Preview'), a:has-text('Make a screen of it')");
  });
  await check("wall: a removed one says so by itself", async () => {
    await page.goto(`${url}/settings/wallboards`);
    await page.click("[aria-label='Remove Hall']");
    await page.waitForSelector("[role=alertdialog]:has-text('Remove the wallboard Hall?')");
    await page.click("[role=alertdialog] button:has-text('Remove wallboard')");
    await page.waitForFunction(() => document.querySelectorAll("[data-row]").length === 1);
    await tv.page.waitForSelector("[data-wall-notice]:has-text('This screen was removed')", { timeout: END_MS });
  });
}

/** Text that is too small to be read from afar, and lines that go beyond the picture. */
async function illegible(page) {
  const small = await page.evaluate((least) => {
    const found = [];
    const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const { parentElement: at, textContent: text } = walk.currentNode;
      const box = at.getBoundingClientRect();
      if (text.trim() === "" || box.width <= 1) continue;
      if (Number.parseFloat(getComputedStyle(at).fontSize) < least) found.push(`${text}: ${getComputedStyle(at).fontSize}`);
      if (box.bottom > innerHeight || box.right > innerWidth + 1) found.push(`${text}: beyond the picture`);
    }
    return found;
  }, TEXT_PX);
  return small.length > 0 ? small : null;
}

/** All is well; then a router dies. */
async function dying({ url, ask, kill }, view, { check, look }) {
  const rules = await ask("GET", "/api/v1/rules");
  const { id } = rules.find(({ name, tenant }) => name === "Device down" && tenant.name === "Alpine Fibre");
  await ask("PATCH", `/api/v1/rules/${id}`, { for_s: 0, resolve_after_s: 0 });
  const views = ["now", "sites", "fleet", "alerts"].map((kind) => ({ kind, tag: "core" }));
  const { token } = await ask("POST", "/api/v1/screens", { name: "Hall", tenants: null, every_s: 3600, views });
  const tv = await view({ viewport: TV, theme: "dark" });
  const { page } = tv;
  await check("wall: all is well is told from the door", async () => {
    await page.goto(`${url}/wall#${token}`);
    await page.waitForSelector("[data-wall-calm]:has-text('3 devices at 1 site: all up')");
    return illegible(page);
  });
  await look(tv, "wall-calm");
  await check("wall: a device that dies shows by itself", async () => {
    await page.evaluate(() => (window.samePage = true));
    await kill();
    await page.waitForSelector(`[data-wall-line][data-tone=alarm]:has-text('${MORTAL}')`, { timeout: TURN_MS });
    await page.waitForSelector("[data-wall-count=down]:has-text('1')");
    return (await illegible(page)) ?? wrongUnless(await page.evaluate(() => window.samePage), "the page was loaded anew");
  });
  await look(tv, "wall-now");
  for (const kind of ["sites", "fleet", "alerts"]) {
    await check(`wall: ${kind} is legible from afar`, async () => {
      await next(page, kind);
      await page.waitForSelector("[data-wall-line], [data-wall-site], [data-wall-device]");
      return illegible(page);
    });
    await look(tv, `wall-${kind}`);
  }
  await check("wall: what somebody looks after is not red any more", async () => {
    const alerts = await ask("GET", "/api/v1/alerts?phase=open");
    await ask("POST", "/api/v1/alerts/bulk", { act: "ack", ids: alerts.map((alert) => alert.id), note: "on it" });
    await page.waitForFunction(() => !document.querySelector("[data-tone=alarm]") && document.querySelector("[data-tone=muted]"));
  });
  await check("wall: the space bar holds it, and the sound is off until it is wanted", async () => {
    await page.keyboard.press(" ");
    await page.waitForSelector("[data-wall=alerts][data-paused]");
    await page.waitForSelector("button[aria-pressed=false]:has-text('Sound off')");
    await page.keyboard.press("s");
    await page.waitForSelector("button[aria-pressed=true]:has-text('Sound on')");
  });
  await check("wall: light where its address says so", async () => {
    await page.goto(`${url}/wall?theme=light`);
    await page.waitForSelector("html[data-theme=light] [data-wall=now] [data-wall-line]");
  });
  await look(tv, "wall-now-light");
  for (const kind of ["sites", "fleet", "alerts"]) {
    await next(page, kind);
    await look(tv, `wall-${kind}-light`);
  }
}
