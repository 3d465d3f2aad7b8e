// Alerts on a collector of their own, with an agent that polls: a rule is made and tried, a router
// dies, somebody looks after it by keyboard, it comes back.
import { ADMIN, MORTAL, onOneSite, QUIET_ADMIN, VIEWER } from "./alert-stack.mjs";
import { signInPage } from "./stack.mjs";

const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
/** A device of five seconds is down after the third poll without an answer; the machine may be busy. */
const TURN_MS = 90_000;
const NOTE = "a truck took the fibre, crew is on its way";
const wrongUnless = (condition, message) => (condition ? null : message);

/** Adds the checks of alerts to the list; `check` and `look` as the smoke test has them. */
export async function alerts(browser, { check, look: lookAt, sideways }) {
  await onOneSite(browser, "alerts", check, (site, view) => drive(site, view, { check, lookAt, sideways }));
}

async function drive(site, view, { check, lookAt, sideways }) {
  const { url } = site;
  const quiet = await view({ viewport: DESK, theme: "dark" });
  await check("alerts: who has nothing wrong learns what is looked for", async () => {
    await signInPage(quiet.page, url, QUIET_ADMIN, "/alerts");
    await quiet.page.waitForSelector("h2:has-text('Nothing is watched yet')");
    await quiet.page.waitForSelector("text=12 rules are on");
  });
  await lookAt(quiet, "alerts-empty-dark");

  const desk = await view({ viewport: DESK, theme: "dark" });
  const { page } = desk;
  const look = (name) => lookAt(desk, name);
  await alone(site);
  await rules({ site, page, check, look });
  const alertId = await death({ site, page, check, look });
  await inbox({ page, check, look });
  await pages({ site, page, check, look, alertId });
  await themes({ url, desk, view, check, lookAt, sideways, alertId });
  await recovery({ site, page, check, look, alertId });
  await roles({ url, view, check, lookAt });
}

/** The default rule says of a dead router what the one that is made here says, only later. */
async function alone({ ask }) {
  const found = (await ask("GET", "/api/v1/rules")).filter(({ name }) => name === "Device down");
  for (const { id } of found) await ask("PATCH", `/api/v1/rules/${id}`, { enabled: false });
}

async function choose(page, field, text) {
  await page.click(field);
  await page.locator("[role=option]").filter({ hasText: text }).first().click();
}

async function rules({ site: { url }, page, check, look }) {
  await check("rules: those that each tenant begins with are listed", async () => {
    await signInPage(page, url, ADMIN, "/alerts");
    await page.click("a:has-text('Rules')");
    await page.waitForURL("**/alerts/rules");
    // Both tenants have the same twelve: each stands once, and leads to both.
    await page.waitForFunction(() => document.querySelectorAll("[data-row]").length === 12);
    await page.waitForSelector("[data-row]:has-text('Device down'):has-text('All off') a:has-text('Alpine Fibre')");
    await page.keyboard.press("/");
    await page.keyboard.type("memory");
    await page.waitForFunction(() => document.querySelectorAll("[data-row]").length === 1);
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.querySelectorAll("[data-row]").length === 12);
  });
  await look("rules-dark");
  await check("rules: one is typed, tried as it is typed, and kept", async () => {
    await page.click("a:has-text('New rule')");
    await page.fill("#rule-name", "Router gone");
    await choose(page, "#rule-tenant", "Alpine Fibre");
    await choose(page, "#rule-kind", "Device state");
    await page.fill("#rule-for", "0");
    await page.fill("#rule-calm", "0");
    await page.waitForSelector("[data-preview=ready] [data-look-count=well]:has-text('3')");
    await page.locator("label:has-text('Critical')").click();
    await page.waitForSelector("[data-rule-sentence]:has-text('A device is down, with the first reading.')");
    await page.click("button:has-text('Make the rule')");
    await page.waitForURL("**/alerts/rules");
    await page.waitForSelector("[data-row]:has-text('Router gone')");
  });
  await check("rules: what is wrong with one is told at its fields, and nothing is sent", async () => {
    await page.click("a:has-text('New rule')");
    await choose(page, "#rule-tenant", "Alpine Fibre");
    await page.click("button:has-text('Make the rule')");
    await page.waitForSelector("#rule-limit[aria-invalid=true]");
    return wrongUnless(page.url().endsWith("/alerts/rules/new"), page.url());
  });
  await check("rules: the preview follows what is typed, now and of the last day", async () => {
    await page.fill("#rule-name", "Up long enough");
    await page.click("#rule-metric");
    await page.waitForSelector("[role=listbox]");
    await page.keyboard.type("started");
    await page.keyboard.press("Enter");
    await page.fill("#rule-limit", "1000000000");
    await page.waitForSelector("[data-preview=ready] [data-look-count=well]:has-text('3')");
    await page.fill("#rule-limit", "1");
    await page.fill("#rule-for", "0");
    await page.waitForSelector("[data-preview=ready] [data-look-count=wrong]:has-text('3')");
    await page.waitForSelector("[data-preview=ready] [data-past='3']");
    await page.locator("label:has-text('Info')").click();
  });
  await look("rule-editor-dark");
  await check("alerts: those of a new rule appear in the list by themselves", async () => {
    await page.click("button:has-text('Make the rule')");
    await page.waitForURL("**/alerts/rules");
    await page.keyboard.press("g");
    await page.keyboard.press("a");
    await page.waitForURL((to) => to.pathname === "/alerts");
    await page.evaluate(() => (window.samePage = true));
    await page.waitForFunction(() => document.querySelectorAll("[data-alert]").length === 3, null, { timeout: TURN_MS });
    await page.waitForSelector("nav [data-open-alerts='3']");
  });
}

async function death({ site, page, check, look }) {
  let id = "";
  await check("alerts: a router dies, and its alert stands on top of the list at once", async () => {
    await site.kill();
    const first = page.locator("[role=row][aria-rowindex='2'][data-row-standing=firing]:has([data-severity=critical])");
    await first.waitFor({ timeout: TURN_MS });
    id = await first.getAttribute("data-alert");
    const text = await first.textContent();
    if (!text.includes("Router gone") || !text.includes(MORTAL)) return text;
    await page.waitForFunction(() => document.title.startsWith("(4 firing) Alerts"));
    return wrongUnless(await page.evaluate(() => window.samePage), "the page was loaded anew");
  });
  await look("alerts-dark");
  return id;
}

const row = (id) => `[data-alert='${id}']`;

async function inbox({ page, check, look }) {
  const rows = () => page.locator("[role=row][data-alert]").count();
  const first = () => page.getAttribute("[role=row][aria-rowindex='2']", "data-alert");
  await check("alerts: j chooses, Enter opens it beside the list", async () => {
    await page.locator("h1").click();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForSelector(`[data-panel-of='${await first()}'] [data-rule-sentence]`);
    await page.keyboard.press("j");
    await page.waitForFunction(() => document.querySelector("[data-panel=alert]")?.dataset.panelOf
      === document.querySelector("[role=row][aria-rowindex='3']")?.dataset.alert);
    await page.keyboard.press("k");
    await page.waitForSelector(`[data-panel-of='${await first()}'] [data-rule-sentence]`);
  });
  await look("alert-panel-dark");
  await check("alerts: a acknowledges with a note, u takes it back", async () => {
    const id = await first();
    const acknowledge = async () => {
      await page.keyboard.press("a");
      await page.waitForFunction(() => document.activeElement?.id === "act-note");
      await page.keyboard.type(NOTE);
      await page.keyboard.press("Enter");
      await page.waitForSelector(`${row(id)}[data-row-standing=acknowledged]`);
    };
    await acknowledge();
    await page.waitForSelector(`[data-panel=alert] [data-happened=acked]:has-text('${NOTE}')`);
    await page.waitForSelector("[data-toast]:has-text('1 alert acknowledged.')");
    await page.keyboard.press("u");
    await page.waitForSelector(`${row(id)}[data-row-standing=firing]`);
    await acknowledge();
  });
  await check("alerts: s silences until a time that is typed", async () => {
    const id = await first();
    await page.keyboard.press("s");
    await page.waitForFunction(() => document.activeElement?.id === "act-until");
    await page.keyboard.type("no time at all");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#act-until[aria-invalid=true]");
    await look("alert-silence-dark");
    await page.fill("#act-until", "45m");
    await page.keyboard.press("Enter");
    await page.waitForSelector(`${row(id)}[data-row-standing=silenced]`);
    await page.keyboard.press("u");
    await page.waitForSelector(`${row(id)}[data-row-standing=acknowledged]`);
    await page.keyboard.press("Escape");
    await page.waitForSelector("[data-panel=alert]", { state: "detached" });
  });
  await check("alerts: severity and state narrow the list, and the URL holds them", async () => {
    await page.click("[data-severity-tab=info]");
    await page.waitForFunction(() => document.querySelectorAll("[role=row][data-alert]").length === 3);
    await page.waitForURL("**/alerts?severity=info**");
    await page.click("[data-severity-tab=all]");
    await page.click("[data-standing-filter=acknowledged]");
    await page.waitForFunction(() => document.querySelectorAll("[role=row][data-alert]").length === 1);
    await page.click("[data-standing-filter=open]");
    await page.locator("h1").click();
    await page.keyboard.press("/");
    await page.keyboard.type("nothing is called so");
    await page.waitForSelector("h2:has-text('No alert matches')");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.querySelectorAll("[role=row][data-alert]").length === 4);
    await page.keyboard.press("Escape");
  });
  await check("alerts: x marks several, and one act takes them all, and back", async () => {
    await page.locator("h1").click();
    for (const key of ["j", "j", "x", "j", "Space"]) await page.keyboard.press(key);
    await page.waitForSelector("[data-bulk]:has-text('2 alerts marked')");
    if ((await page.locator("[role=row][data-alert][aria-selected=true]").count()) !== 2) return "what is marked is not selected";
    await page.click("[data-bulk] button:has-text('Silence')");
    await page.click("[role=dialog] button:has-text('4 h')");
    await page.click("[role=dialog] button[type=submit]");
    await page.waitForSelector("[data-toast]:has-text('2 alerts silenced.')");
    await page.waitForFunction(() => document.querySelectorAll("[data-row-standing=silenced]").length === 2);
    await page.click("[data-toast]:has-text('2 alerts silenced.') button:has-text('Undo')");
    await page.waitForFunction(() => document.querySelectorAll("[data-row-standing=silenced]").length === 0);
    await page.keyboard.press("Escape");
    return wrongUnless((await rows()) === 4, `${await rows()} rows`);
  });
}

async function pages({ site: { url, mortalId }, page, check, look, alertId }) {
  await check("alert: its page says why it fired, what happened and who was told", async () => {
    await page.goto(`${url}/alerts/${alertId}`);
    await page.waitForSelector("[data-rule-sentence]:has-text('A device is down, with the first reading.')");
    await page.waitForSelector(`[data-happened=acked]:has-text('${NOTE}')`);
    await page.waitForSelector("[data-happened=fired]");
    await page.waitForSelector("text=Nobody: no route leads");
    await page.waitForSelector("[data-last-wrong=down]:has-text('it was down: no answer')");
    await page.waitForSelector("table[aria-label=Readings] [data-state=down]:has-text('no answer')", { state: "attached" });
    const told = await page.textContent("h1");
    return wrongUnless(told.startsWith(`${MORTAL} is down`), told);
  });
  await look("alert-dark");
  await check("alert: of a threshold there is a chart with its limit, beside the list by a click on its words", async () => {
    await page.goto(`${url}/alerts?severity=info`);
    await page.locator("[role=row][data-alert] a").first().click();
    await page.waitForSelector("[data-panel=alert] [data-evidence-chart] canvas");
    await page.waitForSelector("table[aria-label=Readings]");
  });
  await look("alert-metric-dark");
  await check("device and agent: their open alerts lead to them", async () => {
    await page.goto(`${url}/devices/${mortalId}`);
    await page.waitForSelector("[data-device-alerts][data-worst=critical] [data-open-alert]");
    await look("device-alerts-dark");
    const agent = await page.evaluate(() => fetch("/api/v1/agents").then((answer) => answer.json()).then(({ data }) => data[0].id));
    await page.goto(`${url}/agents?open=${agent}`);
    await page.waitForSelector("[data-agent-alerts] [data-open-alert]");
    await page.click("[data-agent-alerts] [data-all]");
    await page.waitForURL((to) => to.pathname === "/alerts" && to.searchParams.has("agent"));
    await page.waitForFunction(() => document.querySelectorAll("[role=row][data-alert]").length === 4);
  });
  await check("rules: the count of a rule leads to the alerts of that rule alone", async () => {
    await page.goto(`${url}/alerts/rules`);
    await page.click("[data-row]:has-text('Router gone') [data-rule-open='1']");
    await page.waitForSelector("[data-of-one=rule]:has-text('Router gone')");
    await page.waitForFunction(() => document.querySelectorAll("[role=row][data-alert]").length === 1);
    await page.click("[data-of-one=rule] button");
    await page.waitForFunction(() => document.querySelectorAll("[role=row][data-alert]").length === 4);
  });
  await check("alert: an id that is none has the page of what is not here", async () => {
    await page.goto(`${url}/alerts/no-id`);
    await page.waitForSelector("h1:has-text('Nothing here')");
  });
  await check("rules: a change says which alerts it resolves, and switching off asks first", async () => {
    await page.goto(`${url}/alerts/rules`);
    await page.click("[data-row]:has-text('Up long enough') a");
    await page.waitForSelector("#rule-name");
    if (await page.locator("[data-change-warning]").count()) return "it warns of a change before there is one";
    await page.fill("#rule-name", "Up for long enough");
    await page.waitForSelector("[data-change-warning='3']:has-text('Saving resolves 3 open alerts of this rule')");
    await look("rule-edit-dark");
    await page.click("[role=switch]");
    await page.waitForSelector("[role=alertdialog]:has-text('3 open alerts')");
    await page.keyboard.press("Escape");
    await page.waitForSelector("[role=switch][aria-checked=true]");
  });
}

async function themes({ url, desk, view, check, lookAt, sideways, alertId }) {
  const rule = await desk.page.evaluate(() => location.pathname);
  const paths = {
    alerts: ["/alerts", "[data-alert]"], alert: [`/alerts/${alertId}`, "[data-rule-sentence]"], rules: ["/alerts/rules", "[data-row]"],
    "rule-edit": [rule, "[data-preview=ready]"],
  };
  const tour = async (at, suffix) => {
    for (const [name, [path, settled]] of Object.entries(paths)) {
      await check(`${name}-${suffix}: shows, and fits`, async () => {
        await at.page.goto(url + path);
        await at.page.waitForSelector(settled);
        await at.page.waitForSelector("[data-live=live]");
        return sideways(at.page);
      });
      await lookAt(at, `${name}-${suffix}`);
    }
  };
  const storageState = await desk.context.storageState();
  storageState.origins = [];
  await tour(await view({ viewport: DESK, theme: "light", storageState }), "light");
  const phone = await view({ viewport: PHONE, theme: "dark", storageState, phone: true });
  await tour(phone, "phone");
  for (const path of ["/alerts", `/alerts/${alertId}`]) {
    await check(`phone: every control of ${path.split("/").length > 2 ? "an alert" : "the alerts"} is big enough`, async () => {
      await phone.page.goto(url + path);
      await phone.page.waitForSelector("[data-severity]");
      const small = await phone.page.$$eval("a, button, input, summary", (all) =>
        // A link within a sentence is as high as its line.
        all.filter((el) => !el.closest("p")).map((el) => [el.getBoundingClientRect(), el.getAttribute("aria-label") ?? el.textContent])
          .filter(([box]) => box.width > 1 && box.height > 1 && box.height < 43.5)
          .map(([box, text]) => `${text}: ${box.width}x${box.height}`));
      return small.length > 0 ? small : null;
    });
  }
  await check("phone: what is wrong with a device stands in words, not in a column of letters", async () => {
    const device = await phone.page.evaluate((id) => fetch(`/api/v1/alerts/${id}`).then((answer) => answer.json()).then(({ data }) => data.device.id), alertId);
    await phone.page.goto(`${url}/devices/${device}`);
    const { width } = await phone.page.locator("[data-device-alerts] [data-open-alert] a").first().boundingBox();
    return wrongUnless(width > PHONE.width / 3, `it is ${width} px wide`);
  });
  for (const width of [1280, 1024, 840]) {
    await check(`alerts fit ${width} px, with one beside them`, async () => {
      await desk.page.setViewportSize({ width, height: DESK.height });
      await desk.page.goto(`${url}/alerts?open=${alertId}`);
      await desk.page.waitForSelector("[data-panel=alert] [data-rule-sentence]");
      return sideways(desk.page);
    });
  }
  await desk.page.setViewportSize(DESK);
}

async function recovery({ site, page, check, look, alertId }) {
  await check("alerts: the router comes back, and its alert is over without a word", async () => {
    await page.goto(`${site.url}/alerts?open=${alertId}`);
    await page.waitForSelector(`${row(alertId)}[data-row-standing=acknowledged]`);
    await page.waitForSelector("[data-panel=alert] [data-standing=acknowledged]");
    await site.revive();
    await page.waitForSelector(`[data-panel-of='${alertId}'] [data-standing=resolved]`, { timeout: TURN_MS });
    await page.waitForFunction(() => document.querySelectorAll("[role=row][data-alert]").length === 3);
    await page.waitForSelector("[data-panel=alert] [data-happened=resolved]");
    await page.click("[data-standing-filter=resolved]");
    await page.waitForSelector(`[role=row]${row(alertId)}[data-row-standing=resolved] [data-severity=critical][data-over]`);
    await page.waitForSelector("[role=columnheader]:has-text('Over since')");
  });
  await look("alerts-resolved-dark");
}

async function roles({ url, view, check, lookAt }) {
  const viewer = await view({ viewport: DESK, theme: "light" });
  await check("alerts: who may only look sees all of it and changes nothing", async () => {
    await signInPage(viewer.page, url, VIEWER, "/alerts");
    await viewer.page.waitForSelector("[role=row][data-alert]");
    if (await viewer.page.locator("[role=grid][aria-multiselectable]").count()) return "the rows say that they can be marked";
    if (await viewer.page.locator("[data-alert] input[type=checkbox]").count()) return "rows can be marked";
    await viewer.page.keyboard.press("j");
    await viewer.page.keyboard.press("a");
    await viewer.page.keyboard.press("Enter");
    await viewer.page.waitForSelector("[data-panel=alert] [data-rule-sentence]");
    if (await viewer.page.locator("[role=dialog], [data-panel=alert] [role=toolbar]").count()) return "it can be acted on";
    await viewer.page.goto(`${url}/alerts/rules`);
    await viewer.page.waitForSelector("[data-row]");
    if (await viewer.page.locator("[role=switch], a:has-text('New rule')").count()) return "rules can be changed";
    await viewer.page.click("[data-row] a");
    await viewer.page.waitForSelector("[data-rule-sentence]");
    return wrongUnless((await viewer.page.locator("form").count()) === 0, "there is a form");
  });
  await lookAt(viewer, "rule-viewer-light");
}
