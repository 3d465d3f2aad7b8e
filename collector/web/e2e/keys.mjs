// Palette, keys, help, saved views, columns, undo and the kiosk, on a site where everything has an alert.
import { open } from "./browser.mjs";
import { ADMIN } from "./alert-stack.mjs";
import { firingSite } from "./firing.mjs";
import { signInPage } from "./stack.mjs";

const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
const wrongUnless = (condition, message) => (condition ? null : message);
const palette = "[data-palette]";
/** Ctrl+K, and the focus in its text. */
async function opened(page) {
  await page.keyboard.press("Control+k");
  await page.waitForSelector(`${palette} input:focus`);
}
const first = "[data-palette] [cmdk-item][data-selected=true]";

export async function keys(browser, { check, look, sideways }) {
  const site = await firingSite();
  try {
    const desk = await open(browser, { viewport: DESK, theme: "dark" });
    const { page } = desk;
    await signInPage(page, site.url, ADMIN);
    await page.waitForSelector("[data-device]");
    const at = { site, desk, page, check, look: (name) => look(desk, name) };
    await finding(at);
    await help(at);
    await undo(at);
    await views(at);
    await removal(at);
    await kiosk(at);
    const storageState = await desk.context.storageState();
    storageState.origins = [];
    const phone = await open(browser, { viewport: PHONE, theme: "light", storageState, phone: true });
    await check("palette: on a phone by its button, and it fits", async () => {
      await phone.page.goto(`${site.url}/fleet`);
      await phone.page.locator("[data-search]").tap();
      await phone.page.fill(`${palette} input`, "depot");
      await phone.page.waitForSelector("[data-target^='site:']");
      return sideways(phone.page);
    });
    await look(phone, "palette-phone");
    await phone.context.close();
    await desk.context.close();
  } finally {
    await site.stop();
  }
}

async function finding({ page, check, look }) {
  await check("palette: Ctrl+K finds a device by its address, Enter opens it", async () => {
    const address = await page.locator("[data-cell=address]").first().textContent();
    await opened(page);
    await page.keyboard.type(address.trim());
    await page.waitForSelector(`${first}[data-target^='device:']:has-text('${address.trim()}')`);
    await page.keyboard.press("Enter");
    await page.waitForURL("**/devices/dev_**");
    await page.waitForSelector(palette, { state: "detached" });
  });
  await check("palette: what the page can do is found with its key, and does it", async () => {
    await page.waitForSelector("[data-poll]:not(:disabled)");
    await opened(page);
    await page.keyboard.type("poll");
    await page.waitForSelector(`${first}[data-target='command:device.poll'] kbd:text-is('p')`);
    await page.keyboard.press("Enter");
    await page.waitForSelector("[data-polled]");
  });
  await check("palette: a typing error still finds a page, and the one chosen last stands on top", async () => {
    await opened(page);
    await page.keyboard.type("cnfig jbs");
    await page.waitForSelector(`${first}[data-target='page:/config/jobs']`);
    await page.keyboard.press("Enter");
    await page.waitForURL("**/config/jobs");
    await opened(page);
    await page.waitForSelector("[data-target^='alert:']");
    if (await page.locator("[data-target='page:/config/jobs']").count()) return "it offers the page that one is on";
    await page.keyboard.press("Escape");
    await page.keyboard.press("g");
    await page.keyboard.press("f");
    await page.waitForURL("**/fleet**");
    await opened(page);
    await page.waitForSelector(`${first}[data-target='page:/config/jobs']:has-text('Pages')`);
  });
  await look("palette-dark");
  await check("palette: Esc closes it, and what is nowhere is said", async () => {
    await page.keyboard.type("zzzzzz");
    await page.waitForSelector(`${palette} >> text=Nothing is called «zzzzzz»`);
    await page.keyboard.press("Escape");
    await page.waitForSelector(palette, { state: "detached" });
  });
}

async function help({ site, page, check, look }) {
  // Those of other pages are folded away.
  const works = (key) => page.getAttribute(`[data-key='${key}']`, "data-works");
  await check("help: tells the keys that work on this page from the others", async () => {
    await page.goto(`${site.url}/fleet`);
    await page.waitForSelector("[data-device]");
    await page.locator("h1").click();
    await page.keyboard.press("?");
    await page.waitForSelector("[role=dialog] [data-key='g f']");
    if (await page.locator("[data-key='p']").isVisible()) return "keys of other pages are in sight";
    const told = [await works("j"), await works("/"), await works("p"), await works("a"), await works("g a")].join(" ");
    return wrongUnless(told === "true true false false true", told);
  });
  await look("help-dark");
  await check("help: single keys are switched off there, and Ctrl+K goes on", async () => {
    await page.click("[role=dialog] input[type=checkbox]");
    await page.keyboard.press("Escape");
    await page.keyboard.press("g");
    await page.keyboard.press("a");
    await opened(page);
    await page.waitForSelector(palette);
    await page.keyboard.press("Escape");
    await page.evaluate(() => localStorage.removeItem("farwatch.keys"));
    return wrongUnless(new URL(page.url()).pathname === "/fleet", page.url());
  });
}

async function undo({ site, page, check, look }) {
  await check("undo: several alerts acknowledged at once, taken back by u", async () => {
    await page.goto(`${site.url}/alerts`);
    await page.waitForSelector("[role=row][data-alert]");
    await page.locator("h1").click();
    for (const key of ["j", "x", "j", "x", "a"]) await page.keyboard.press(key);
    await page.waitForSelector("#act-note:focus");
    await page.keyboard.press("Enter");
    await page.waitForSelector("[role=status] [data-toast]:has-text('2 alerts acknowledged.')");
    await page.waitForFunction(() => document.querySelectorAll("[data-row-standing=acknowledged]").length === 2);
  });
  await look("toast-dark");
  await check("undo: u takes it back, and the region holds three at most", async () => {
    await page.keyboard.press("u");
    await page.waitForFunction(() => document.querySelectorAll("[data-row-standing=acknowledged]").length === 0);
    await page.waitForSelector("[data-toast]:has-text('Acknowledgement undone: 2 alerts.')");
    return wrongUnless((await page.locator("[data-toast]").count()) <= 3, "more than three toasts");
  });
  await check("undo: a change of devices is written back, each as it was", async () => {
    await page.goto(`${site.url}/fleet`);
    await page.waitForSelector("[data-device] input[type=checkbox]");
    const tags = () => page.$$eval("[data-tags]", (all) => all.map((one) => one.textContent).join(";"));
    const before = await tags();
    for (const at of [0, 1]) await page.locator("[data-device] input[type=checkbox]").nth(at).click();
    await page.click("[data-bulk] button:has-text('Edit')");
    await page.fill("#bulk-add", "tried");
    await page.keyboard.press("Enter");
    await page.click("[role=dialog] button[type=submit]");
    await page.click("[role=alertdialog] button:has-text('Change 2 devices')");
    await page.waitForFunction(() => [...document.querySelectorAll("[data-tags]")].filter((one) => one.textContent.includes("tried")).length === 2);
    await page.click("[data-toast]:has-text('2 devices changed.') button:has-text('Undo')");
    await page.waitForSelector("[data-toast]:has-text('As it was before.')");
    await page.waitForFunction(() => ![...document.querySelectorAll("[data-tags]")].some((one) => one.textContent.includes("tried")));
    return wrongUnless((await tags()) === before, `${before} became ${await tags()}`);
  });
}

async function views({ site, page, check, look }) {
  const path = () => page.evaluate(() => [location.pathname, ...[...new URLSearchParams(location.search)].map((one) => one.join("=")).toSorted()].join(" "));
  await check("views: filter, order and columns are kept by a name, and the URL holds them", async () => {
    await page.goto(`${site.url}/fleet?sort=-name`);
    await page.waitForSelector("[data-device]");
    await page.click("[data-columns]");
    await page.click("[data-column=model]");
    await page.waitForURL((url) => url.searchParams.get("cols")?.includes("site") && !url.searchParams.get("cols").includes("model"));
    await page.keyboard.press("Escape");
    if (await page.locator("[role=columnheader] [data-sort=model]").count()) return "the column is still there";
    await page.click("[data-views]");
    await page.click("[data-save-view]");
    await page.waitForSelector("#view-name:focus");
    await page.keyboard.type("By name, without models");
    await page.keyboard.press("Enter");
    await page.waitForSelector("[data-view='By name, without models'] [aria-current=true]");
  });
  await look("views-dark");
  await check("views: it shows again from the palette, in another session of the same person", async () => {
    const saved = await path();
    await page.keyboard.press("Escape");
    await page.goto(`${site.url}/alerts`);
    await page.waitForSelector("[data-alert]");
    await opened(page);
    await page.keyboard.type("without mod");
    await page.waitForSelector(`${first}[data-target^='view:']`);
    await page.keyboard.press("Enter");
    await page.waitForSelector("[data-views='By name, without models']");
    return wrongUnless((await path()) === saved, `${await path()}, not ${saved}`);
  });
  await check("views: it shows again from the menu, in place of another order", async () => {
    const saved = await path();
    await page.click("[data-sort=site]");
    await page.waitForSelector("[data-views='']");
    await page.click("[data-views]");
    await page.click("[data-view='By name, without models'] a");
    await page.waitForSelector("[data-views='By name, without models']");
    return wrongUnless((await path()) === saved, `${await path()}, not ${saved}`);
  });
  await check("views: renamed and removed", async () => {
    await page.click("[data-views]");
    await page.click("[aria-label='Rename By name, without models']");
    await page.fill("#view-name", "Plain");
    await page.keyboard.press("Enter");
    await page.waitForSelector("[data-view=Plain]");
    await page.click("[aria-label='Remove Plain']");
    await page.waitForSelector("[data-view]", { state: "detached" });
    await page.keyboard.press("Escape");
  });
}

async function removal({ site, page, check }) {
  const ids = async () => (await site.ask("GET", "/api/v1/devices")).map(({ id }) => id);
  const remove = async () => {
    await page.locator("[data-device] input[type=checkbox]").first().click();
    await page.click("[data-bulk] button:has-text('Remove')");
    await page.click("[role=alertdialog] button:has-text('Remove 1 device')");
    await page.waitForFunction(() => document.querySelectorAll("[role=row][data-device]").length === 2);
  };
  await check("removal: it is out of sight at once, and undone it never left", async () => {
    await page.goto(`${site.url}/fleet`);
    await page.waitForFunction(() => document.querySelectorAll("[role=row][data-device]").length === 3);
    await remove();
    if ((await ids()).length !== 3) return "it was sent before its time";
    await page.keyboard.press("u");
    await page.waitForFunction(() => document.querySelectorAll("[role=row][data-device]").length === 3);
    return wrongUnless((await ids()).length === 3, "it was removed");
  });
  await check("removal: a page that is left sends it at once", async () => {
    await remove();
    await page.goto(`${site.url}/agents`);
    await page.waitForSelector("[data-agent]");
    await page.goto(`${site.url}/fleet`);
    await page.waitForFunction(() => document.querySelectorAll("[role=row][data-device]").length === 2);
    return wrongUnless((await ids()).length === 2, "it is still there");
  });
}

async function kiosk({ page, check }) {
  await check("kiosk: d k leaves the page alone, a reload keeps it so, and Esc ends it", async () => {
    await page.locator("h1").click();
    await page.keyboard.press("d");
    await page.keyboard.press("k");
    await page.waitForSelector("header", { state: "hidden" });
    await page.reload();
    await page.waitForSelector("[data-device]");
    if (await page.locator("header").isVisible()) return "the head came back";
    await page.keyboard.press("Escape");
    await page.waitForSelector("header", { state: "visible" });
    return wrongUnless(!page.url().includes("kiosk"), page.url());
  });
}
