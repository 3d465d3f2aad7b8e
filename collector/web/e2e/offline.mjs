// The installed app while the collector is away: it opens, says how old what it shows is, and keeps what is done for later.
import { open } from "./browser.mjs";
import { ADMIN } from "./alert-stack.mjs";
import { firingSite } from "./firing.mjs";
import { gateTo } from "./gate.mjs";
import { signInPage, until } from "./stack.mjs";

const PHONE = { width: 390, height: 844 };
const bar = "[data-offline-bar=offline]";
const wrongUnless = (condition, message) => (condition ? null : message);

/** The worker serves the page, its files are kept, and so is what is shown. */
const isKept = (page) => page.evaluate(async () => {
  const names = await caches.keys();
  const kept = names.includes("farwatch-kept") && (await (await caches.open("farwatch-kept")).match("/kept.json"));
  return Boolean(navigator.serviceWorker.controller && kept);
});

export async function offline(browser, { check, look, sideways }) {
  const site = await firingSite();
  const gate = await gateTo(site.url);
  try {
    const phone = await open(browser, { viewport: PHONE, theme: "dark", phone: true });
    const { page } = phone;
    await check("offline: the worker keeps the app and what it shows, and nothing of the API", async () => {
      await signInPage(page, gate.url, ADMIN, "/alerts");
      await page.waitForSelector("[data-alert]");
      await until("the worker to keep it", () => isKept(page));
      const kept = await page.evaluate(async () => {
        const all = await Promise.all((await caches.keys()).map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)));
        return all.flat();
      });
      return wrongUnless(kept.length > 20 && !kept.some((path) => path.startsWith("/api")), kept.join("\n"));
    });
    await away({ gate, page, check });
    await look(phone, "offline-phone");
    await check("offline: fits", () => sideways(page));
    await back({ site, gate, page, check });
    await phone.context.close();
  } finally {
    await gate.stop();
    await site.stop();
  }
}

async function away({ gate, page, check }) {
  const first = () => page.locator("[data-alert]").first().getAttribute("data-alert");
  await check("offline: the banner says since when", async () => {
    await gate.cut();
    await page.waitForSelector(`${bar}:has-text('Offline since')`, { timeout: 60_000 });
  });
  await check("offline: an acknowledgement waits, and says so on its card and in the banner", async () => {
    const id = await first();
    await page.locator("[data-alert] a").first().tap();
    await page.locator("[aria-label='This alert'] button:has-text('Acknowledge')").tap();
    await page.fill("#act-note", "on the roof");
    await page.locator("[role=dialog] button[type=submit]").tap();
    await page.waitForSelector("[data-toast]:has-text('queued')");
    await page.locator("nav[aria-label=Main]:visible a:has-text('Alerts')").tap();
    await page.waitForSelector(`[data-alert='${id}'] [data-queued=ack]`);
    await page.waitForSelector(`${bar}:has-text('1 action waits')`);
  });
  await check("offline: of the data nothing is said anew", async () => {
    await page.locator("nav[aria-label=Main]:visible a:has-text('Now')").tap();
    await page.waitForSelector("[data-behind=unknown]:has-text('Not known: the collector cannot be reached since')");
  });
  await check("offline: the app opens without the collector, with what it showed last and its age", async () => {
    await page.goto(`${gate.url}/alerts`);
    await page.waitForSelector("[data-alert] [data-queued=ack]");
    await page.waitForSelector(`${bar}:has-text('what you see is from then · 1 action waits')`, { timeout: 60_000 });
  });
}

async function back({ site, gate, page, check }) {
  await check("offline: once the collector is back, what waited is done, in its name and with its note", async () => {
    await gate.mend();
    await page.waitForSelector("[data-toast]:has-text('1 alert acknowledged.')", { timeout: 60_000 });
    await page.waitForSelector("[data-row-standing=acknowledged]");
    await page.waitForSelector("[data-offline-bar]", { state: "detached" });
    const done = (await site.ask("GET", "/api/v1/alerts?phase=open")).find(({ ack }) => ack);
    return wrongUnless(done?.ack.note === "on the roof" && done.ack.by === ADMIN, JSON.stringify(done));
  });
  await check("offline: signed out, nothing of it is left in the browser", async () => {
    await page.click("[data-account]");
    await page.click("[aria-label='Your account'] button:has-text('Sign out')");
    await page.waitForURL("**/login**");
    await until("it to be forgotten", () => page.evaluate(async () => !(await caches.keys()).includes("farwatch-kept")));
  });
}
