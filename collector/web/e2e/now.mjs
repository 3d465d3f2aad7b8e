// The home page and the sites, on a collector of their own: all is well, a router dies, then the
// agent of the site does, and everything behind it is one incident.
import { ADMIN, MORTAL, onOneSite, QUIET_ADMIN, VIEWER } from "./alert-stack.mjs";
import { signInPage } from "./stack.mjs";

const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
/** A device of five seconds is down after the third poll without an answer; the machine may be busy. */
const TURN_MS = 90_000;
const wrongUnless = (condition, message) => (condition ? null : message);
const incident = "[data-incident]";

/** Adds the checks of both; `check`, `look` and `sideways` as the smoke test has them. */
export async function now(browser, { check, look: lookAt, sideways }) {
  await onOneSite(browser, "now", check, (site, view) => drive(site, view, { check, lookAt, sideways }));
}

async function drive(site, view, { check, lookAt, sideways }) {
  const { url } = site;
  const quiet = await view({ viewport: DESK, theme: "dark" });
  await check("now: who has nothing yet learns the first step", async () => {
    await signInPage(quiet.page, url, QUIET_ADMIN, "/");
    await quiet.page.waitForSelector("[data-first-steps=site]");
    await quiet.page.click("[data-first-steps] a:has-text('Set up a site')");
    await quiet.page.fill("#setup-site", "Rooftop North");
    await quiet.page.keyboard.press("Enter");
    await quiet.page.waitForSelector("[data-setup-site]:text-is('Rooftop North')");
    await quiet.page.goto(url);
    await quiet.page.waitForSelector("[data-first-steps=agent] [data-step-done]");
  });
  await lookAt(quiet, "now-first-dark");
  const desk = await view({ viewport: DESK, theme: "dark" });
  const { page } = desk;
  const at = { site, url, page, check, look: (name) => lookAt(desk, name) };
  await quicker(site);
  await well(at);
  await night(at);
  await death(at);
  await sites(at);
  await panels(at);
  await away(at);
  await themes({ ...at, desk, view, lookAt, sideways });
  await keys(at);
  await viewer({ url, view, check });
}

/** The rules that each tenant begins with wait for minutes. */
async function quicker({ ask }) {
  for (const { id, name } of await ask("GET", "/api/v1/rules")) {
    if (name === "Device down" || name === "Agent offline") await ask("PATCH", `/api/v1/rules/${id}`, { for_s: 0 });
    if (name === "SNMP silent") await ask("PATCH", `/api/v1/rules/${id}`, { enabled: false });
  }
}

async function well({ url, page, check, look }) {
  await check("now: it is the first page after the sign-in, and all well says what is watched", async () => {
    await signInPage(page, url, ADMIN, "/");
    await page.waitForSelector("[data-all-well]:has-text('3 devices at 1 site, all up')");
    await page.waitForSelector("[data-figure=up]:has-text('3')");
    await page.waitForSelector("[data-behind='0'] [data-current]:has-text('All data is up to date')");
    await page.waitForSelector("nav[aria-label=Main] a[aria-current=page]:text-is('Now')");
    return wrongUnless((await page.title()) === "Now · Farwatch", await page.title());
  });
  await check("now: nothing was wrong over night, and it says so", async () => {
    await page.waitForSelector("[data-over='0']:has-text('Nothing: no incident ended since')");
  });
  await look("now-well-dark");
  await check("now: while the collector stores nothing it does not say that all is well", async () => {
    await page.route("**/health/ready", (route) => route.fulfill({ json: { data: { status: "ok", disk: "full" } } }));
    await page.reload();
    await page.waitForSelector("[data-disk-full]:has-text('A full disk')");
    await page.waitForSelector("[data-disk-bar]");
    return wrongUnless((await page.locator("[data-all-well], [data-current]").count()) === 0, await page.locator("main").textContent());
  });
  await look("now-disk-full-dark");
  await page.unroute("**/health/ready");
  await page.reload();
  await page.waitForSelector("[data-all-well]");
}

async function night({ site, page, check, look }) {
  await check("now: what was wrong and is over is told for the morning, by what it was of", async () => {
    const [{ tenant }] = await site.ask("GET", "/api/v1/devices");
    const { id } = await site.ask("POST", "/api/v1/rules", {
      tenant: tenant.id, name: "Up long enough", severity: "warning", condition: { kind: "metric", name: "uptime_seconds", is: "above", limit: 1 }, for_s: 0, resolve_after_s: 0,
    });
    await page.waitForFunction(() => document.querySelectorAll("[data-incident]").length === 3, null, { timeout: TURN_MS });
    await page.waitForSelector("nav [data-open-alerts='3'][data-tone=warn]");
    await page.waitForSelector("[data-figure=warning]:has-text('3')");
    await site.ask("PATCH", `/api/v1/rules/${id}`, { enabled: false });
    await page.waitForSelector(`[data-over='3'] [data-over-root='${site.mortalId}']:has-text('its rule was switched off')`, { timeout: TURN_MS });
    await page.waitForSelector("[data-all-well]");
    // By the list as well as by the stream.
    await page.reload();
    await page.waitForSelector(`[data-over='3'] [data-over-root='${site.mortalId}']`);
  });
  await look("now-night-dark");
}

async function death({ site, page, check, look }) {
  await check("now: a router dies, and it is an incident by itself", async () => {
    await page.evaluate(() => (window.samePage = true));
    await site.kill();
    await page.waitForSelector(`${incident}[data-incident='${site.mortalId}']:has-text('${MORTAL} is down')`, { timeout: TURN_MS });
    await page.waitForSelector("[data-figure=down]:has-text('1')");
    await page.waitForSelector("[data-figure=critical]:has-text('1')");
    await page.waitForSelector("[data-troubled='1'] [data-trouble]:has-text('1 down')");
    await page.waitForFunction(() => document.title.startsWith("(1) Now"));
    return wrongUnless(await page.evaluate(() => window.samePage), "the page was reloaded");
  });
  await look("now-dark");
  await check("now: j and Enter show it beside the list, a acknowledges it, Enter opens its page", async () => {
    await page.keyboard.press("j");
    await page.waitForSelector(`${incident}[data-chosen]`);
    const before = await page.locator(incident).boundingBox();
    await page.keyboard.press("Enter");
    await page.waitForSelector("[data-panel=alert] [data-rule-sentence]");
    const after = await page.locator(incident).boundingBox();
    if (before.y !== after.y || before.width !== after.width) return `the row moved: ${JSON.stringify([before, after])}`;
    await page.keyboard.press("a");
    await page.waitForSelector("#act-note");
    await page.keyboard.press("Enter");
    await page.waitForSelector(`${incident}[data-incident-standing=acknowledged]`);
    await page.waitForFunction(() => document.title.startsWith("Now"));
    await page.keyboard.press("u");
    await page.waitForSelector(`${incident}[data-incident-standing=firing]`);
    await page.keyboard.press("Enter");
    await page.waitForURL((to) => /^\/alerts\/./.test(to.pathname));
    await page.waitForSelector("[data-rule-sentence]");
    await page.keyboard.press("Escape");
    await page.waitForURL((to) => to.pathname === "/" && to.searchParams.has("open"));
    await page.waitForSelector("[data-panel=alert]");
    await page.keyboard.press("Escape");
    await page.waitForSelector("[data-panel]", { state: "detached" });
    return wrongUnless(await page.locator(`${incident}[data-chosen]`).count(), "the row is not chosen any more");
  });
}

async function sites({ url, page, check, look }) {
  await check("sites: their states are counted, and the list filters and sorts", async () => {
    await page.keyboard.press("g");
    await page.keyboard.press("i");
    await page.waitForURL("**/sites");
    const depot = "[role=row][data-site]:has-text('Depot')";
    await page.waitForSelector(`${depot} [data-state=down]:has-text('1 down')`);
    await page.waitForSelector(`${depot} [data-count-of=down]:has-text('1')`);
    await page.waitForSelector(`${depot} [data-count-of=up]:has-text('2')`);
    // The one of the other tenant, where nothing stands.
    await page.waitForSelector("[role=row][data-site]:has-text('Rooftop North'):has-text('No devices')");
    const first = () => page.locator("[role=row][data-site] a").first().textContent();
    if ((await first()) !== "Depot") return `first is ${await first()}`;
    await page.click("[data-sort=name]");
    await page.click("[data-sort=name]");
    await page.waitForURL((to) => to.searchParams.get("sort") === "-name");
    if ((await first()) !== "Rooftop North") return `by name, the last first: ${await first()}`;
    await page.keyboard.press("/");
    await page.keyboard.type("depot");
    await page.waitForFunction(() => document.querySelectorAll("[role=row][data-site]").length === 1);
  });
  await look("sites-list-dark");
  await check("sites: Enter shows one beside the list, and again opens its page", async () => {
    await page.goto(`${url}/sites`);
    await page.waitForSelector("[role=row][data-site]");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForSelector(`[data-panel=site]:has-text('${MORTAL}') [data-open-alert]`);
    await look("sites-panel-dark");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/sites/sit_**");
    await page.waitForSelector("[data-site-page] [data-site-state=down]");
    await page.waitForSelector(`tr[data-device]:first-child:has-text('${MORTAL}') [data-state=down]`);
    await page.waitForSelector("[data-site-agent] [data-state=up]");
    await page.waitForSelector("[data-site-page] [data-open-alert]");
  });
  await look("site-dark");
  await check("site: its devices lead back to it, by Esc and by the arrow", async () => {
    for (const back of [() => page.keyboard.press("Escape"), () => page.click("[data-way-back]")]) {
      await page.click("[data-site-page] tr[data-device] a");
      await page.waitForSelector("[data-way-back][aria-label='Back to the site']");
      await back();
      await page.waitForSelector("[data-site-page] [data-open-alert]");
    }
  });
  await check("site: renamed in its place; Esc leads back to its row", async () => {
    await page.click("[data-more]");
    await page.click("button:text-is('Rename')");
    await page.fill("#new-name", "Depot West");
    await page.click("[role=dialog] button[type=submit]");
    await page.waitForSelector("h1:text-is('Depot West')");
    await page.waitForSelector("[role=dialog]", { state: "detached" });
    await page.keyboard.press("Escape");
    await page.waitForSelector("[role=row][data-site][data-chosen]:has-text('Depot West')");
  });
  await check("sites: an id that is none has the page of what is not here", async () => {
    await page.goto(`${url}/sites/no-id`);
    await page.waitForSelector("h1:has-text('Nothing here')");
  });
}

async function panels({ url, page, check, look }) {
  await check("fleet: a click shows the device beside the list, and the panel follows j and k", async () => {
    await page.goto(`${url}/fleet?sort=name`);
    await page.waitForSelector("[role=row][data-device]");
    await page.locator("[role=row][data-device] [role=gridcell]").first().click();
    await page.waitForSelector("[data-panel=device]:has-text('core-1') [data-busiest] td");
    await page.keyboard.press("j");
    await page.waitForSelector("[data-panel=device]:has-text('edge-2') [data-busiest] td");
    await look("fleet-panel-dark");
    await page.keyboard.press("j");
    await page.waitForSelector(`[data-panel=device]:has-text('${MORTAL}') [data-open-alert]`);
    await page.waitForSelector("[data-panel=device] [data-hint=timeout]");
  });
  await check("fleet: a double click and the name open the page, Esc leads back to the row", async () => {
    await page.locator("[role=row][data-device]:has-text('edge-2') [data-cell=in]").dblclick();
    await page.waitForURL("**/devices/dev_**");
    await page.keyboard.press("Escape");
    await page.waitForSelector("[role=row][data-device][data-chosen]:has-text('edge-2')");
    await page.waitForSelector("[data-panel=device]:has-text('edge-2')");
    if (new URL(page.url()).searchParams.get("sort") !== "name") return `the order is lost: ${page.url()}`;
    await page.keyboard.press("Escape");
    await page.waitForSelector("[data-panel]", { state: "detached" });
    await page.locator("[role=row][data-device] a", { hasText: "core-1" }).click();
    await page.waitForURL("**/devices/dev_**");
    await page.click("[data-way-back]");
    await page.waitForSelector("[role=row][data-device][data-chosen]:has-text('core-1')");
    return wrongUnless(new URL(page.url()).searchParams.get("sort") === "name", `by the arrow the order is lost: ${page.url()}`);
  });
  await check("agents: the same keys, the same panel, and a page", async () => {
    await page.goto(`${url}/agents`);
    await page.waitForSelector("[data-agent]");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForSelector("[data-panel=agent] [data-transport]");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/agents/agt_**");
    await page.waitForFunction(() => document.querySelectorAll("[data-agent-page] tr[data-device]").length === 3);
  });
  await look("agent-page-dark");
}

async function away({ site, url, page, check, look }) {
  await check("now: the agent dies, and everything behind it is one incident with its devices counted", async () => {
    await page.goto(`${url}/`);
    await page.waitForSelector(incident);
    const [{ id }] = await site.ask("GET", "/api/v1/agents");
    await site.killAgent();
    await page.waitForSelector(`${incident}[data-incident='${id}'][data-suppressed='3'][data-alerts='2']:has-text('offline')`, { timeout: TURN_MS });
    // Once: neither the unknown devices nor the health of the data tells it again.
    await page.waitForSelector("[data-behind='1']:not(:has([data-late]))");
    await page.waitForSelector("[data-unknown]", { state: "detached" });
    await page.waitForSelector("[data-figure=unknown]:has-text('3')");
    return wrongUnless((await page.locator(incident).count()) === 1, "more than one incident");
  });
  await look("now-agent-dark");
  await check("now: its panel tells the alerts of it, and s silences all of them", async () => {
    await page.locator(incident).click();
    await page.waitForSelector("[data-panel=alert] [data-siblings='2']");
    await page.locator("[data-siblings] button", { hasText: MORTAL }).click();
    await page.waitForSelector(`[data-panel=alert] h2:has-text('${MORTAL} is down')`);
    await look("now-panel-dark");
    await page.keyboard.press("s");
    await page.waitForSelector("[role=dialog]:has-text('Silence 2 alerts')");
    await page.keyboard.press("Escape");
    await page.waitForSelector("[role=dialog]", { state: "detached" });
    await page.keyboard.press("Escape");
    await page.waitForSelector("[data-panel]", { state: "detached" });
  });
  await check("device: while its agent is away nothing is said of its ports, and the day before it stays known", async () => {
    const steady = (await site.ask("GET", "/api/v1/devices")).find(({ name }) => name !== MORTAL);
    await page.goto(`${url}/devices/${steady.id}`);
    await page.waitForSelector("[data-busy-ports='0']:has-text('Not known while the agent is away.')");
    await page.waitForSelector("[data-state-strip=unknown]:has-text('since')");
    const course = await page.locator("[data-course]").getAttribute("aria-label");
    const ports = await page.locator("[data-busy-ports]").textContent();
    if (!/: (?:not known [^,]+, )?Up .*, Unknown [^,]+$/.test(course)) return course;
    return wrongUnless(!/ up$|None/.test(ports), ports);
  });
  await look("device-away-dark");
  await page.goto(`${url}/`);
  await page.waitForSelector(incident);
  await check("now: the figures lead to the devices they count", async () => {
    await page.click("[data-figure=unknown]");
    await page.waitForURL((to) => to.pathname === "/fleet" && to.searchParams.get("state") === "unknown");
    await page.waitForFunction(() => document.querySelectorAll("[role=row][data-device]").length === 3);
    await page.goBack();
    await page.waitForSelector(incident);
  });
}

const TOUR = { now: ["/", incident], sites: ["/sites", "[data-site]"] };

async function themes({ url, page, desk, view, check, lookAt, sideways }) {
  const { id } = await page.evaluate(() => fetch("/api/v1/sites").then((answer) => answer.json()).then(({ data }) => data.find(({ name }) => name === "Depot West")));
  const paths = { ...TOUR, site: [`/sites/${id}`, "[data-site-page] [data-device]"] };
  const storageState = await desk.context.storageState();
  storageState.origins = [];
  const views = {
    light: await view({ viewport: DESK, theme: "light", storageState }), phone: await view({ viewport: PHONE, theme: "dark", storageState, phone: true }),
  };
  for (const [suffix, made] of Object.entries(views)) {
    for (const [name, [path, settled]] of Object.entries(paths)) {
      await check(`${name}-${suffix}: shows, and fits`, async () => {
        await made.page.goto(url + path);
        await made.page.waitForSelector(settled);
        return sideways(made.page);
      });
      await lookAt(made, `${name}-${suffix}`);
    }
  }
  for (const width of [1280, 1100, 1024, 840]) {
    await check(`now, sites and the fleet fit ${width} px, with one beside them`, async () => {
      await page.setViewportSize({ width, height: DESK.height });
      const wide = [];
      for (const path of ["/", "/sites", "/fleet", "/agents"]) {
        await page.goto(url + path);
        await page.waitForSelector(`${incident}, [data-site], [data-device], [data-agent]`);
        wide.push(...((await sideways(page)) ?? []));
        await page.keyboard.press("j");
        await page.keyboard.press("Enter");
        await page.waitForSelector("[data-panel]");
        wide.push(...((await sideways(page)) ?? []).map((one) => `${path}, with a panel: ${one}`));
      }
      return wide.length > 0 ? wide : null;
    });
  }
  await page.setViewportSize(DESK);
  const { page: phone } = views.phone;
  await check("phone: a tap on an incident opens its page, and More leads to what is not at the bottom", async () => {
    await phone.goto(`${url}/`);
    await phone.locator(incident).tap();
    await phone.waitForURL((to) => /^\/alerts\/./.test(to.pathname));
    await phone.tap("[data-more]");
    await phone.waitForSelector("[role=dialog]");
    await lookAt(views.phone, "more-phone");
    await phone.tap("[role=dialog] a:has-text('Agents')");
    await phone.waitForSelector("[data-agent]");
    return wrongUnless((await phone.getAttribute("[data-more]", "aria-current")) === "page", "More is not active");
  });
}

async function keys({ url, page, check }) {
  await check("navigation: the logo and g n lead to Now", async () => {
    await page.goto(`${url}/settings/account`);
    await page.waitForSelector("[data-live=live]");
    await page.keyboard.press("g");
    await page.keyboard.press("n");
    await page.waitForURL((to) => to.pathname === "/");
    await page.goto(`${url}/config`);
    await page.click("header a[aria-label^=Farwatch]");
    await page.waitForURL((to) => to.pathname === "/");
  });
}

async function viewer({ url, view, check }) {
  const { page } = await view({ viewport: DESK, theme: "light" });
  await check("now: who may only look sees all of it and changes nothing", async () => {
    await signInPage(page, url, VIEWER, "/");
    await page.waitForSelector(incident);
    await page.keyboard.press("j");
    await page.keyboard.press("a");
    await page.keyboard.press("Enter");
    await page.waitForSelector("[data-panel=alert] [data-siblings]");
    if (await page.locator("[role=dialog], [data-panel=alert] [role=toolbar], button:has-text('Acknowledge')").count()) return "it can be acted on";
    await page.goto(`${url}/sites`);
    await page.waitForSelector("[data-site]");
    return wrongUnless((await page.locator("button:has-text('New site')").count()) === 0, "a site can be made");
  });
}
