// From nothing to the first chart, as a new customer goes; then a table of devices, and what empty pages say.
import { readFileSync } from "node:fs";
import { open } from "./browser.mjs";
import { emptySite, OWNER, RANGE } from "./setup-stack.mjs";
import { signInPage } from "./stack.mjs";

const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
const ROUTER = "127.0.9.17";
const wrongUnless = (condition, message) => (condition ? null : message);
const step = (number, done) => `[data-step="${number}"][data-done=${done}]`;
/** Pages that show a list, and what an empty one says: why, and what to do. */
const EMPTY = {
  fleet: ["/fleet", "No agent yet", "[data-setup-link]"],
  agents: ["/agents", "No agent yet", "[data-setup-link]"],
  now: ["/", "Nothing is watched yet", "[data-setup-link]"],
  sites: ["/sites", "No site yet", "[data-setup-link]"],
  alerts: ["/alerts", "Nothing is watched yet", "[data-setup-link]"],
  config: ["/config", "", "main a, main button"],
  "config-jobs": ["/config/jobs", "", "main a, main button"],
  credentials: ["/settings/credentials", "No credential profile yet", "button:has-text('Make a profile')"],
  tokens: ["/settings/tokens", "No open token", "button:has-text('New token')"],
  "api-keys": ["/settings/api-keys", "", "main button"],
  notifications: ["/settings/notifications", "", "main button"],
  access: ["/settings/provider-access", "", "main"],
};

/** The setup on the phone and in the light theme, as it stands at this moment. */
async function looks(views, { look, check, sideways }, name, settled = "[data-step]") {
  const [desk, phone, light] = views;
  await look(desk, `setup-${name}-dark`);
  for (const [view, suffix] of [[phone, "phone"], [light, "light"]]) {
    await view.page.goto(desk.page.url());
    await view.page.waitForSelector(settled);
    await check(`setup-${name}-${suffix}: nothing is cut`, () => sideways(view.page));
    await look(view, `setup-${name}-${suffix}`);
  }
}

async function emptyPages({ page }, url, { check, look }, desk) {
  for (const [name, [path, title, action]] of Object.entries(EMPTY)) {
    await check(`empty: ${name} says why, and what to do`, async () => {
      await page.goto(url + path);
      await page.waitForSelector(title ? `h2:has-text("${title}")` : "main h2");
      await page.waitForSelector(action);
    });
    await look(desk, `empty-${name}-dark`);
  }
}

/** From an empty tenant on, by what the page shows and nothing else. */
async function walk(views, site, tools) {
  const [desk] = views;
  const { page } = desk;
  const { check } = tools;
  await check("setup: an empty fleet leads to it, and a site is made by its name", async () => {
    await page.goto(`${site.url}/fleet`);
    await page.click("[data-setup-link]");
    await page.waitForURL("**/setup**");
    await page.fill("#setup-site", "Rooftop North");
    await page.keyboard.press("Enter");
    await page.waitForSelector("[data-setup-site]:text-is('Rooftop North')");
    return wrongUnless(new URL(page.url()).searchParams.get("site")?.startsWith("sit_"), page.url());
  });
  await looks(views, tools, "agent");
  let line = "";
  await check("setup: a line for each kind of machine, each with the token once; then it waits", async () => {
    await page.click("[data-make-line]");
    await page.waitForSelector("[data-wait=nobody]");
    for (const platform of ["windows", "manual", "linux"]) {
      await page.click(`[data-segment=${platform}]`);
      const lines = await page.locator("[data-step='2'] code").allTextContents();
      if (lines.filter((one) => one.includes("fw1_")).length !== 1) return `${platform}: ${lines.join(" / ")}`;
      line = lines.find((one) => one.includes("fw1_"));
    }
    return wrongUnless(!page.url().includes("fw1_"), "the token is in the URL");
  });
  await tools.look(desk, "setup-line-dark");
  await check("setup: the agent that the line brings shows itself, with what carries it", async () => {
    // No systemd here: it is started as without one.
    site.enrol(`${line} && farwatch-agent run`);
    await page.waitForSelector(`${step(2, true)} [data-agent-here]`, { timeout: 60_000 });
    const told = await page.textContent("[data-agent-here]");
    return wrongUnless(/Rooftop|rooftop|QUIC/i.test(told) && told.includes("127.0.0.1"), told);
  });
  await check("setup: after a reload it goes on where it was, and the token is gone", async () => {
    await page.reload();
    await page.waitForSelector(step(2, true));
    return wrongUnless(!(await page.content()).includes("fw1_"), "the token is still on the page");
  });
  await check("setup: a profile is made where it is missing", async () => {
    await page.click("[data-step='3'] button:has-text('New profile')");
    await page.fill("#profile-name", "Routers of Cedar");
    await page.fill("#profile-community", site.community);
    await page.click("[role=dialog] button[type=submit]");
    await page.waitForSelector("[data-profile]:has-text('Routers of Cedar')");
    return wrongUnless(!(await page.content()).includes(site.community), "the community is on the page");
  });
  await check("setup: ranges are counted before anything is sent, and what is none is named", async () => {
    await page.waitForSelector("#scan-ranges");
    await page.fill("#scan-ranges", "10.0.0/24");
    await page.waitForSelector("[data-field-error=scan-ranges]:has-text('10.0.0/24')");
    await page.fill("#scan-ranges", "10.0.0.0/16");
    await page.waitForSelector("[data-field-error=scan-ranges]:has-text('4,096')");
    await page.fill("#scan-ranges", RANGE);
    await page.click("[data-scan-options] summary");
    await page.fill("#scan-port", String(site.port));
    await page.waitForSelector("[data-what-is-sent]:has-text('14 addresses')");
  });
  await tools.look(desk, "setup-scan-dark");
  await check("setup: the scan shows how far it is, and what it found", async () => {
    await page.click("[data-scan-start]");
    await page.waitForURL((at) => at.searchParams.get("scan")?.startsWith("scn_") ?? false);
    await page.waitForSelector("[data-scan=done]", { timeout: 60_000 });
    await page.waitForSelector(`[data-host="${ROUTER}"]:has-text('Routers of Cedar')`);
    const picked = await page.locator("[data-host] input:checked").count();
    return wrongUnless(picked === 3, `${picked} are picked, not the 3 routers`);
  });
  await check("setup: hosts without SNMP say why, and stand apart", async () => {
    await page.click("[data-segment=silent]");
    await page.waitForSelector("[data-host='127.0.9.19']");
    const told = await page.textContent("[data-host='127.0.9.19']");
    await page.click("[data-segment=new]");
    await page.waitForSelector(`[data-host="${ROUTER}"]`);
    return wrongUnless(told.length > 30, told);
  });
  await looks(views, tools, "proposals", "[data-host]");
  await check("setup: they are adopted under the names that were given, and the first value comes", async () => {
    await page.fill(`[data-host="${ROUTER}"] input[aria-label]`, "north-core");
    await page.click("[data-adopt]");
    await page.waitForSelector("[data-adopted='3']:has-text('3 devices added')");
    await page.waitForSelector("[data-first-value]", { timeout: 60_000 });
    await page.waitForSelector("[data-first-row]:has-text('north-core')");
    await page.waitForSelector("[data-first-value] [data-chart=echo-rtt]", { timeout: 60_000 });
    await page.waitForSelector("[data-what-next]:has-text('alert rules are on')");
    return wrongUnless((await page.locator(step(6, true)).count()) === 1, "the last step is not done");
  });
  await looks(views, tools, "done", "[data-first-value] [data-chart=echo-rtt]");
  await check("agent: its panel keeps the scan, and leads to the next one", async () => {
    await page.goto(`${site.url}/agents`);
    await page.locator("[data-agent] a").first().click();
    await page.click("[data-past-scan]");
    await page.waitForSelector("[data-scan=done]");
    await page.click("[data-scan-again]");
    await page.waitForSelector("#scan-ranges");
  });
}

const TABLE = [
  "address,name,tags,community,colour", "192.0.2.10,edge-1,edge;north,hush-hush,red", "not an address,edge-2,edge,hush-hush,red",
  "192.0.2.12,edge-3,,,", "",
].join("\n");

async function table(desk, phone, light, site, { check, look, sideways }) {
  const { page } = desk;
  await check("import: a preview says of each row what becomes of it, and adds nothing", async () => {
    await page.goto(`${site.url}/fleet`);
    await page.click("[data-import]");
    await page.waitForURL("**/fleet/import**");
    await page.setInputFiles("[data-import-file]", { name: "devices.csv", mimeType: "text/csv", buffer: Buffer.from(TABLE) });
    await page.click("#import-agent");
    await page.locator("[role=option]").nth(1).click();
    await page.click("[data-import-preview]");
    await page.waitForSelector("[data-import-row='3'][data-outcome=error]:has-text('address')");
    await page.waitForSelector("[data-unknown-columns]:has-text('colour')");
    return wrongUnless((await site.ask("GET", "/api/v1/devices")).length === 3, "a preview added devices");
  });
  await look(desk, "import-dark");
  await check("import: those in order are added; the others come back as a file without secrets", async () => {
    await page.click("[data-import-run]");
    await page.waitForSelector("[data-import-told=added]");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("[data-import-failed]")]);
    const told = readFileSync(await download.path(), "utf8");
    if (!told.includes("edge-2") || told.includes("edge-1") || told.includes("hush")) return told;
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href]));
    if (kept.includes("hush")) return "the table is kept in the browser";
    return wrongUnless((await site.ask("GET", "/api/v1/devices")).length === 5, "not two more devices");
  });
  await look(desk, "import-added-dark");
  await check("import: on the phone nothing is cut", async () => {
    await phone.page.goto(`${site.url}/fleet/import`);
    await phone.page.fill("#import-csv", TABLE);
    await phone.page.click("[data-import-preview]");
    await phone.page.waitForSelector("[data-import-told]");
    return sideways(phone.page);
  });
  await look(phone, "import-phone");
  await light.page.goto(`${site.url}/fleet/import`);
  await light.page.click("[data-column-help] summary");
  await look(light, "import-light");
}

/** The whole of it, on a collector of its own. */
export async function setup(browser, tools) {
  const site = await emptySite();
  try {
    const desk = await open(browser, { viewport: DESK, theme: "dark" });
    await signInPage(desk.page, site.url, OWNER);
    const storageState = await desk.context.storageState();
    storageState.origins = [];
    const phone = await open(browser, { viewport: PHONE, theme: "dark", storageState, phone: true });
    const light = await open(browser, { viewport: DESK, theme: "light", storageState });
    await emptyPages(desk, site.url, tools, desk);
    await walk([desk, phone, light], site, tools);
    await table(desk, phone, light, site, tools);
    await tools.check("setup: nothing was logged", () => {
      const all = [desk, phone, light].flatMap(({ complaints }) => complaints);
      return all.length > 0 ? all : null;
    });
    for (const { context } of [desk, phone, light]) await context.close();
  } finally {
    await site.stop();
  }
}
