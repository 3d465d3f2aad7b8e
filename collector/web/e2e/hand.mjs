// What no rule of axe sees: the way by keyboard alone, the focus in sight, large type, no motion, forced colours, targets.
import { open } from "./browser.mjs";
import { ADMIN } from "./alert-stack.mjs";
import { firingSite } from "./firing.mjs";
import { PASSWORD, signInPage } from "./stack.mjs";

const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
/** At 200 % a desk of 1280 px has this many to show. */
const DOUBLED = { width: 640, height: 450 };
const TABS_MAX = 60;
const PAGES = {
  fleet: ["/fleet", "[data-device]"], alerts: ["/alerts", "[data-alert]"], config: ["/config", "h1"], agents: ["/agents", "[data-agent]"],
  now: ["/", "[data-incident]"], sites: ["/sites", "[data-site]"], account: ["/settings/account", "h1"], rules: ["/alerts/rules", "[data-row]"],
};
const wrongUnless = (condition, message) => (condition ? null : message);

/** What is wrong with the focus as it is: nowhere, not to be seen, or below something. Null: nothing. */
const focusWrong = (page) => page.evaluate(() => {
  const el = document.activeElement;
  if (!el || el === document.body) return "the focus is nowhere";
  const name = el.getAttribute("aria-label") ?? (el.textContent?.trim().slice(0, 40) || el.id || el.tagName);
  // A grid shows it on its chosen row, a hidden box on its label.
  const marks = [el.querySelector("[data-chosen]") ?? el, el.closest("label")].filter(Boolean);
  const isSeen = marks.some((one) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  });
  if (!isSeen) return `${name}: no ring around the focus`;
  const { left, top, width, height } = el.getBoundingClientRect();
  const x = Math.min(Math.max(left + width / 2, 1), innerWidth - 2);
  const y = Math.min(Math.max(top + Math.min(height / 2, 20), 1), innerHeight - 2);
  if (top + height <= 0 || top >= innerHeight) return `${name}: out of sight`;
  const over = document.elementFromPoint(x, y);
  if (over && !el.contains(over) && !over.contains(el) && !over.closest("label")?.contains(el)) return `${name}: below ${over.tagName} ${over.className}`;
  return null;
});

/** Tab by Tab until the focus is on what is asked for; what is wrong on the way, or with the way. */
async function tabTo(page, selector) {
  const wrong = [];
  for (let at = 0; at < TABS_MAX; at += 1) {
    await page.keyboard.press("Tab");
    const found = await focusWrong(page);
    if (found) wrong.push(found);
    if (await page.evaluate((one) => document.activeElement?.matches(one), selector)) return wrong.length > 0 ? wrong : null;
  }
  return [...wrong, `${selector} is not reached by ${TABS_MAX} Tabs`];
}

export async function hand(browser, { check, sideways }) {
  const site = await firingSite();
  try {
    const desk = await open(browser, { viewport: DESK, theme: "dark" });
    await byKeyboard({ ...desk, url: site.url, check });
    const storageState = await desk.context.storageState();
    storageState.origins = [];
    await wayThrough({ ...desk, url: site.url, check });
    await desk.context.close();
    for (const [name, viewport, px] of [["desk", DESK, 24], ["phone", PHONE, 44]]) {
      const view = await open(browser, { viewport, theme: "light", storageState, phone: name === "phone" });
      await targets({ page: view.page, url: site.url, check, name, px });
      await view.context.close();
    }
    const large = await open(browser, { viewport: DOUBLED, theme: "dark", storageState });
    await doubled({ page: large.page, url: site.url, check, sideways });
    await large.context.close();
    await calm({ browser, storageState, url: site.url, check });
  } finally {
    await site.stop();
  }
}

/** Not one click: from the login to an alert that is acknowledged. */
async function byKeyboard({ page, url, check }) {
  await check("hand: signed in by keyboard, the focus in sight at each step", async () => {
    await page.goto(`${url}/alerts`);
    await page.waitForSelector("#email");
    if (!(await page.evaluate(() => document.activeElement?.id === "email"))) {
      const wrong = await tabTo(page, "#email");
      if (wrong) return wrong;
    }
    await page.keyboard.type(ADMIN);
    const wrong = await tabTo(page, "#password");
    if (wrong) return wrong;
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press("Enter");
    await page.waitForURL("**/alerts**");
    await page.waitForSelector("[role=row][data-alert]");
  });
  await check("hand: the list is reached by Tab, and an alert is acknowledged", async () => {
    const wrong = await tabTo(page, "[role=grid]");
    if (wrong) return wrong;
    await page.keyboard.press("ArrowDown");
    const onRow = await focusWrong(page);
    if (onRow) return onRow;
    await page.keyboard.press("a");
    await page.waitForSelector("#act-note:focus");
    const inDialog = (await focusWrong(page)) ?? (await tabTo(page, "[role=dialog] button[type=submit]"));
    if (inDialog) return inDialog;
    await page.keyboard.press("Enter");
    await page.waitForSelector("[data-row-standing=acknowledged]");
    await page.waitForSelector("[role=status] [data-toast]:has-text('1 alert acknowledged.')");
    return wrongUnless(await page.evaluate(() => document.activeElement?.role === "grid"), "the focus did not come back to the list");
  });
}

async function wayThrough({ page, url, check }) {
  for (const [name, [path, settled]] of Object.entries(PAGES)) {
    await check(`hand: ${name}: Tab goes through it and out again, and its focus is always in sight`, async () => {
      await page.goto(url + path);
      await page.waitForSelector(settled);
      const wrong = [];
      const seen = new Set();
      for (let at = 0; at < TABS_MAX * 3; at += 1) {
        await page.keyboard.press("Tab");
        // After the last one the browser's own controls have it.
        if (await page.evaluate(() => document.activeElement === document.body)) return wrong.length > 0 ? wrong : null;
        const found = await focusWrong(page);
        if (found) wrong.push(found);
        const mark = await page.evaluate(() => {
          const el = document.activeElement;
          window.tabbed ??= new Map();
          if (!window.tabbed.has(el)) window.tabbed.set(el, window.tabbed.size);
          return window.tabbed.get(el);
        });
        if (seen.has(mark) && mark === 0) return wrong.length > 0 ? wrong : null;
        seen.add(mark);
      }
      return [...wrong, "Tab does not come out"];
    });
  }
}

async function targets({ page, url, check, name, px }) {
  for (const [what, [path, settled]] of Object.entries(PAGES)) {
    await check(`hand: ${what} on the ${name}: what is to be hit is ${px} px or more`, async () => {
      await page.goto(url + path);
      await page.waitForSelector(settled);
      const small = await page.$$eval("a, button, input, summary, select, [role=tab], [role=switch]", (all, least) => all
        // A link within a line of text is as high as the line; what lies in a label is hit by the label.
        .filter((el) => !el.closest("p, [role=gridcell], td") && el.checkVisibility() && !el.closest(".sr-only"))
        // What leads where its row does is hit with the row.
        .map((el) => [el.closest("label") ?? (el.matches("[data-of-row]") ? el.closest("[data-at]") : null) ?? el, el.getAttribute("aria-label") ?? el.textContent?.trim().slice(0, 40)])
        .map(([el, text]) => [el.getBoundingClientRect(), text])
        .filter(([box]) => box.width > 1 && box.height > 1 && (box.height < least - 0.5 || box.width < least - 0.5))
        .map(([box, text]) => `${text}: ${Math.round(box.width)}x${Math.round(box.height)}`), px);
      return small.length > 0 ? small : null;
    });
  }
}

async function doubled({ page, url, check, sideways }) {
  for (const [name, [path, settled]] of Object.entries(PAGES)) {
    await check(`hand: ${name} at 200 %: nothing scrolls sideways`, async () => {
      await page.goto(url + path);
      await page.waitForSelector(settled);
      return sideways(page);
    });
  }
}

async function calm({ browser, storageState, url, check }) {
  const view = await open(browser, { viewport: DESK, theme: "dark", storageState });
  const { page } = view;
  await check("hand: who wants no motion sees none", async () => {
    await signInPageOrStay(page, url);
    await page.keyboard.press("Control+k");
    await page.waitForSelector("[data-palette] input:focus");
    const moving = await page.evaluate(() => document.getAnimations().filter(({ effect }) => Number(effect?.getComputedTiming().duration) > 1).length);
    await page.keyboard.press("Escape");
    return wrongUnless(moving === 0, `${moving} animations`);
  });
  await check("hand: in forced colours states keep their shapes, and what is chosen its frame", async () => {
    await page.emulateMedia({ forcedColors: "active", reducedMotion: "reduce" });
    await page.waitForSelector("[data-device] [data-state]");
    await page.locator("h1").click();
    await page.keyboard.press("j");
    const told = await page.evaluate(() => {
      const shape = document.querySelector("[data-device] [data-state] svg");
      const row = document.querySelector("[role=row][data-chosen]");
      const ground = getComputedStyle(document.body).backgroundColor;
      const ink = shape && getComputedStyle(shape);
      return { shape: ink && [ink.color, ink.fill, ink.stroke].some((one) => one !== "none" && one !== ground), frame: row && getComputedStyle(row).outlineStyle };
    });
    return wrongUnless(told.shape && told.frame && told.frame !== "none", JSON.stringify(told));
  });
  await view.context.close();
}

async function signInPageOrStay(page, url) {
  await page.goto(`${url}/fleet`);
  await page.waitForSelector("[data-device], #email");
  if (await page.locator("#email").count()) await signInPage(page, url, ADMIN);
}
