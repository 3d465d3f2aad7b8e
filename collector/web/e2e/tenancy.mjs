// Two customers on one collector, whose networks overlap: what is narrowed, told apart and refused.
import { violations } from "./browser.mjs";
import { inventory } from "./inventory.mjs";
import { newTenant, providerAccess, secondFactor } from "./people.mjs";
import { audit } from "./settings.mjs";
import { CUSTOMERS, FULL, openAs, OVERLAP, PEOPLE, twoCustomers } from "./stack.mjs";

const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
const [ADMIN, VIEWER] = Object.keys(PEOPLE);
const [ALPINE, BOREALIS] = Object.keys(CUSTOMERS);
const ALIKE = [`${OVERLAP}.depot.alpine-fibre`, `${OVERLAP}.depot.borealis-net`, `${OVERLAP}.summit.alpine-fibre`];
const DEVICES = Object.values(CUSTOMERS).flatMap((sites) => Object.values(sites).flat()).length;
const row = "[role=row][data-device]";

const wrongUnless = (condition, message) => (condition ? null : message);
const query = (page) => new URL(page.url()).searchParams;
const names = (page) => page.$$eval(`${"[role=row][data-device]"} a`, (all) => all.map((a) => a.textContent).toSorted());

const rows = (page, count) =>
  page.waitForFunction(([one, want]) => document.querySelectorAll(one).length === want, [row, count]);

/** By keys alone: opens the switch, types, chooses. */
async function switchTo(page, typed) {
  await page.keyboard.press("Shift+T");
  await page.waitForSelector("[role=combobox]:focus");
  await page.keyboard.type(typed);
  await page.waitForFunction(() => document.querySelectorAll("[role=option]").length === 1);
  await page.keyboard.press("Enter");
  await page.waitForSelector("[role=combobox]", { state: "detached" });
}

async function switching(page, url, check, look) {
  await check("tenants: what stands at several sites is told as router.site.tenant", async () => {
    await rows(page, DEVICES);
    const shown = (await names(page)).filter((name) => name.startsWith(OVERLAP));
    if (shown.join() !== ALIKE.join()) return shown.join();
    return wrongUnless(await page.isVisible("[role=columnheader] [data-sort=tenant]"), "no tenant column");
  });
  await check("fleet: nothing of a full IPv6 address is cut, with the tenants beside it too", async () => {
    const cell = page.locator(`${row}:has-text("${FULL}") [data-cell=address]`);
    const [text, over] = await cell.evaluate((el) => [el.textContent, el.scrollWidth - el.clientWidth]);
    if (text !== FULL || over > 0) return `${text} is cut by ${over} px`;
    const [head, body] = await page.$$eval("[role=columnheader]:has([data-sort=address]), [data-cell=address]",
      (all) => all.slice(0, 2).map((el) => Math.round(el.getBoundingClientRect().left)));
    return wrongUnless(head === body, `the head stands at ${head} px, its column at ${body} px`);
  });
  await look("tenants-all-dark");
  await check("tenants: T opens the switch, typing and Enter narrow, the focus comes back", async () => {
    await page.locator("h1").click();
    await page.keyboard.press("Shift+T");
    await page.waitForSelector("[role=combobox]:focus");
    await look("tenants-switch-dark");
    await page.keyboard.press("Escape");
    await page.waitForSelector("[role=combobox]", { state: "detached" });
    await switchTo(page, "boreal");
    await rows(page, 2);
    await page.waitForSelector("[data-tenant-switch]:focus");
    const shown = await names(page);
    if (!shown.includes(ALIKE[1])) return `the name changed: ${shown}`;
    if (await page.locator("[data-sort=tenant]").count()) return "a tenant column for one tenant";
    return wrongUnless(query(page).get("tenant")?.startsWith("ten_"), page.url());
  });
  await look("tenants-one-dark");
  await check("tenants: every page keeps to it, and the next visit does", async () => {
    await page.keyboard.press("g");
    await page.keyboard.press("e");
    await page.waitForURL("**/agents?tenant=ten_**");
    await page.waitForFunction(() => document.querySelectorAll("[data-agent]").length === 1);
    await page.goto(`${url}/sites`);
    await page.waitForURL("**/sites?tenant=ten_**");
    await page.waitForFunction(() => document.querySelectorAll("[data-site]").length === 1);
    await page.goto(`${url}/fleet`);
    await page.waitForURL("**/fleet?tenant=ten_**");
    await rows(page, 2);
  });
  await check("tenants: all of them again, by keys, and it stays so", async () => {
    await page.locator("h1").click();
    await switchTo(page, "all");
    await rows(page, DEVICES);
    if (query(page).has("tenant")) return page.url();
    await page.reload();
    await rows(page, DEVICES);
    return wrongUnless(!query(page).has("tenant"), page.url());
  });
  await check("tenants: one that is not there is no choice", async () => {
    await page.goto(`${url}/fleet?tenant=ten_0000000000000`);
    await rows(page, DEVICES);
    return wrongUnless(!query(page).has("tenant"), page.url());
  });
}

async function naming(page, url, check, look) {
  await check("tenants: a device opened by its link has its whole name, in the title too", async () => {
    await page.goto(`${url}/fleet`);
    await rows(page, DEVICES);
    const link = page.locator(`${row} a`, { hasText: ALIKE[0] });
    const href = await link.getAttribute("href");
    await page.goto(url + href);
    await page.waitForSelector(`h1[title="${ALIKE[0]}"]`);
    await page.waitForFunction((name) => document.title.startsWith(`${name} `), ALIKE[0]);
    const trail = await page.textContent("[aria-label=Breadcrumb]");
    return wrongUnless(trail.includes(ALPINE) && trail.includes("Depot"), trail);
  });
  await check("device: nothing is asked of an agent that is not here, and the page says why", async () => {
    await page.waitForSelector("[data-offline] >> text=The agent has never connected.");
    return wrongUnless(await page.isDisabled("[data-poll]"), "«Poll now» can be pressed");
  });
  await look("tenants-device-dark");
  await check("tenants: a device of another tenant brings its tenant along", async () => {
    const device = new URL(page.url()).pathname;
    await page.goto(`${url}/fleet`);
    await rows(page, DEVICES);
    await page.locator("h1").click();
    await switchTo(page, "boreal");
    await rows(page, 2);
    await page.goto(url + device);
    await page.waitForSelector(`[data-tenant-switch] >> text=${ALPINE}`);
    await page.click("[aria-label=Breadcrumb] a:first-child");
    await rows(page, 3);
    await page.locator("h1").click();
    await switchTo(page, "all");
  });
}

async function keys(page, url, check, look) {
  await check("API keys: made for a chosen tenant, shown once, deleted by name", async () => {
    await page.goto(`${url}/settings/api-keys`);
    await page.click("main button:has-text('key') >> nth=0");
    await page.fill("#key-name", "billing");
    await page.click("#key-tenant");
    await page.click(`[role=option]:has-text("${BOREALIS}")`);
    await look("new-key-dark");
    await page.click("[role=dialog] button[type=submit]");
    await page.waitForSelector("[role=dialog] code");
    if (!(await page.textContent("[role=dialog] code")).startsWith("fwk_")) return "no key in the panel";
    await page.mouse.click(5, 5);
    await look("new-key-made-dark");
    await page.click("text=I have copied it");
    await page.waitForSelector(`[data-row] >> text=${BOREALIS}`);
    await look("api-keys-rows-dark");
    await page.click("[aria-label='Remove billing']");
    const lost = await page.textContent("[role=alertdialog] [aria-label='What is lost']");
    if (!lost.includes(BOREALIS)) return `what is lost: ${lost}`;
    await look("delete-key-dark");
    await page.click("[role=alertdialog] >> text=Remove key");
    await page.waitForSelector("[data-row]", { state: "detached" });
  });
}

async function viewer(browser, url, check, look) {
  const view = await openAs(browser, url, VIEWER, { viewport: DESK, theme: "light" });
  const { page } = view;
  await check("a viewer of one tenant: no switch, no tenant column, plain names", async () => {
    await rows(page, 2);
    if (await page.locator("[data-tenant-switch], [data-sort=tenant]").count()) return "something to choose from";
    return wrongUnless((await names(page)).includes(OVERLAP), String(await names(page)));
  });
  await check("a viewer: a page for administrators says whose it is", async () => {
    await page.goto(`${url}/settings/api-keys`);
    await page.waitForSelector("h1:has-text('not for your role')");
    return wrongUnless(!(await page.locator("[aria-label=Settings] >> text=API keys").count()), "it is listed");
  });
  await look(view, "refused-light");
  return view;
}

const SETTINGS = ["account", "tenants", "tokens", "credentials", "people", "provider-access", "audit"];

/** Each page of the settings in the light, and as the phone shows it. */
async function tourSettings(views, url, { check, look, sideways }) {
  for (const [suffix, view] of Object.entries(views)) {
    for (const name of SETTINGS) {
      await check(`settings-${name}-${suffix}: fits`, async () => {
        await view.page.goto(`${url}/settings/${name}`);
        await view.page.waitForSelector("[data-row], [data-session], main h2");
        return sideways(view.page);
      });
      await look(view, `settings-${name}-${suffix}`);
    }
  }
}

/** All of it, on a collector of its own. */
export async function tenancy(browser, { check, look, sideways }) {
  const stack = await twoCustomers();
  try {
    const desk = await openAs(browser, stack.url, ADMIN, { viewport: DESK, theme: "dark" });
    const lookDesk = (name) => look(desk, name);
    await switching(desk.page, stack.url, check, lookDesk);
    await naming(desk.page, stack.url, check, lookDesk);
    await keys(desk.page, stack.url, check, lookDesk);
    await audit(desk, stack.url, { check, look: lookDesk });
    const light = await openAs(browser, stack.url, ADMIN, { viewport: DESK, theme: "light" });
    await rows(light.page, DEVICES);
    await look(light, "tenants-all-light");
    const phone = await openAs(browser, stack.url, ADMIN, { viewport: PHONE, theme: "dark", phone: true });
    for (const [name, path] of [["fleet", "/fleet"], ["settings", "/settings"], ["sites", "/sites"], ["now", "/"],
      ["audit", "/settings/audit"]]) {
      await check(`tenants-${name}-phone: fits`, async () => {
        await phone.page.goto(stack.url + path);
        await phone.page.waitForSelector("[data-live=live]");
        await phone.page.waitForSelector("main li, [data-row], [data-site]");
        return sideways(phone.page);
      });
      await look(phone, `tenants-${name}-phone`);
    }
    await check("tenants: the switch works by finger", async () => {
      await phone.page.goto(`${stack.url}/fleet`);
      await phone.page.tap("[data-tenant-switch]");
      await phone.page.tap(`[role=option]:has-text("${BOREALIS}")`);
      await phone.page.waitForFunction(() => document.querySelectorAll("[data-device]").length === 2);
      return sideways(phone.page);
    });
    await look(phone, "tenants-one-phone");
    await check("fleet: devices are marked by finger, to be changed together", async () => {
      await phone.page.tap("button:has-text('Mark several')");
      await phone.page.locator("[data-device] label").first().tap();
      await phone.page.waitForSelector("[data-bulk] >> text=1 device marked");
      return sideways(phone.page);
    });
    await look(phone, "fleet-marked-phone");
    const one = await viewer(browser, stack.url, check, look);
    const anna = await newTenant(browser, desk, stack.url, { check, look });
    await secondFactor(anna, stack.url, { check, look });
    const sam = await providerAccess(browser, desk, stack.url, { check, look });
    await inventory(desk, stack.url, { check, look });
    await tourSettings({ light, phone }, stack.url, { check, look, sideways });
    await check("tenants: nothing was logged and the policy held", async () => {
      const all = [];
      for (const { complaints, page } of [desk, light, phone, one, anna, sam]) all.push(...complaints, ...(await violations(page)));
      return all.length > 0 ? all : null;
    });
  } finally {
    await stack.stop();
  }
}
