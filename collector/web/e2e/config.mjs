// Configurations on a collector of their own, with an agent and a switch that is reached by SSH: a
// login is made, the device is fetched, changes, is compared, searched, and shows another host key.
import { ADMIN, oneSite, VIEWER } from "./alert-stack.mjs";
import { viewsOf } from "./browser.mjs";
import { CANARY, ENABLE, sshDevice } from "./ssh-device.mjs";
import { signInPage } from "./stack.mjs";

const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
/** A fetch takes seconds; the machine may be busy. */
const FETCH_MS = 90_000;
const TENANT = "Alpine Fibre";
const wrongUnless = (condition, message) => (condition ? null : message);

/** Adds the checks of configurations to the list; `check` and `look` as the smoke test has them. */
export async function config(browser, { check, look: lookAt, sideways }) {
  const device = await sshDevice();
  if (!device) {
    if (process.env.CI) throw new Error("sshd is not installed");
    console.log("skipped: configurations, for sshd is not installed");
    return;
  }
  const { views, view } = viewsOf(browser);
  let site = null;
  try {
    site = await oneSite();
    await drive({ site, device, view, check, lookAt, sideways });
    await check("configurations: nothing was logged", async () => {
      const all = views.flatMap(({ complaints }) => complaints);
      return all.length > 0 ? all : null;
    });
  } finally {
    await Promise.allSettled(views.map(({ context }) => context.close()));
    await site?.stop();
    await device.stop();
  }
}

async function drive({ site, device, view, check, lookAt, sideways }) {
  const { url, ask } = site;
  const { id } = (await ask("GET", "/api/v1/devices")).find((one) => one.id !== site.mortalId);
  const desk = await view({ viewport: DESK, theme: "dark" });
  const { page } = desk;
  const all = { url, id, device, page, check, look: (name) => lookAt(desk, name) };
  await login(all);
  await firstFetch(all);
  await change(all);
  await search(all);
  await jobs(all);
  await hostKey(all);
  await policy(all);
  await timeline(all);
  await others({ ...all, view, lookAt, sideways });
}

const tab = (url, id) => `${url}/devices/${id}?tab=config`;

async function fetchNow(page, outcome) {
  await page.click("[data-run]:not(:disabled)");
  await page.waitForSelector("[data-run]:disabled");
  await page.waitForSelector("[data-run]:not(:disabled)", { timeout: FETCH_MS });
  await page.waitForSelector(outcome);
}

async function login({ url, id, device, page, check, look }) {
  await check("configurations: an empty page says what to do", async () => {
    await signInPage(page, url, ADMIN, "/config");
    await page.waitForSelector("h2:has-text('No configuration yet')");
  });
  await look("config-empty-dark");
  await check("configurations: a device without a login says so, and cannot be fetched", async () => {
    await page.goto(tab(url, id));
    await page.waitForSelector("[data-backup-note]:has-text('No login by SSH')");
    return wrongUnless(await page.isDisabled("[data-run]"), "it can be fetched");
  });
  await check("credentials: a login by SSH is made with a key, and its secrets are not shown", async () => {
    await page.goto(`${url}/settings/credentials`);
    await page.click("main button:has-text('profile') >> nth=0");
    await page.fill("#profile-name", "Backup");
    await page.click("#profile-tenant");
    await page.click(`[role=option]:has-text("${TENANT}")`);
    await page.click("#profile-version");
    await page.click("[role=option]:has-text('SSH login')");
    await page.fill("#profile-login-user", device.user);
    await page.click("[role=dialog] button[type=submit]");
    await page.waitForSelector("[data-field-error=profile-login-password]");
    await look("login-profile-dark");
    await page.fill("#profile-login-key", device.key);
    await page.fill("#profile-login-enable", ENABLE);
    await page.click("[role=dialog] button[type=submit]");
    await page.waitForSelector("[data-row]:has-text('SSH · ')");
    const told = await page.content();
    return wrongUnless(!told.includes(ENABLE) && !told.includes("PRIVATE KEY"), "a secret is on the page");
  });
}

async function firstFetch({ url, id, device, page, check, look }) {
  await check("configurations: the port of a device is set, and it is fetched at once", async () => {
    await page.goto(tab(url, id));
    await page.click("text=Settings…");
    await page.fill("#backup-port", "0");
    await page.click("[role=dialog] button[type=submit]");
    await page.waitForSelector("[data-field-error=backup-port]");
    await page.fill("#backup-port", String(device.port));
    await page.click("[role=dialog] button[type=submit]");
    await page.waitForSelector("[role=dialog]", { state: "detached" });
    // The schedule may have begun already.
    await page.waitForSelector("[data-run]:not(:disabled)", { timeout: FETCH_MS });
    await fetchNow(page, "[data-last-job=done]");
    await page.waitForSelector("[data-version]");
    await page.waitForSelector("[data-backup-state=up]");
  });
  await look("config-tab-dark");
  await check("configurations: a second fetch of the same makes no version", async () => {
    await fetchNow(page, "[data-last-job=done]");
    await page.waitForSelector("[data-last-job] >> text=nothing changed");
    return wrongUnless((await page.locator("[data-version]").count()) === 1, "another version");
  });
}

async function change({ device, page, check, look }) {
  await check("configurations: a change is a version, with what changed and a secret that is not shown", async () => {
    device.change();
    await fetchNow(page, "[data-last-job=done]");
    await page.click("[data-last-job] >> text=See what changed");
    await page.waitForSelector("[data-config-diff=split] .cm-merge-b");
    await page.waitForSelector("[data-config-diff] >> text=192.0.2.7");
    await page.waitForSelector("text=secret changed");
    const told = await page.content();
    return wrongUnless(!told.includes(CANARY) && told.includes("«secret:"), "a secret is on the page, or no mark of it");
  });
  await look("config-diff-dark");
  await check("configurations: changes stand below each other too, and unchanged lines unfold", async () => {
    await page.waitForSelector(".cm-collapsedLines");
    await page.click("text=Side by side");
    await page.waitForSelector("[data-config-diff=unified] .cm-deletedChunk");
    await page.click("text=All lines");
    await page.waitForSelector(".cm-collapsedLines", { state: "detached" });
    return wrongUnless(new URL(page.url()).searchParams.get("as") === "unified", page.url());
  });
  await look("config-unified-dark");
  await check("configurations: the whole text is searched by keyboard", async () => {
    await page.click("[data-view=text]");
    await page.waitForSelector("[data-config-text] .cm-line");
    await page.locator("[data-config-text] .cm-line").first().click();
    await page.keyboard.press("/");
    await page.keyboard.type("ip route");
    await page.waitForSelector("[data-find-count]:has-text('1 of 40')");
    await page.keyboard.press("Enter");
    await page.waitForSelector("[data-find-count]:has-text('2 of 40')");
    await page.keyboard.press("Shift+Enter");
    await page.waitForSelector("[data-find-count]:has-text('1 of 40')");
  });
  await look("config-text-dark");
}

async function search({ url, page, check, look }) {
  await check("configurations: a word is found in the latest of all, and a line leads to its place", async () => {
    await page.goto(`${url}/config/search`);
    await page.fill("input[type=search]", "192.0.2.7");
    await page.waitForSelector("[data-found] mark:has-text('192.0.2.7')");
    await page.fill("input[type=search]", "192.0.2.1 ");
    await page.waitForSelector("[data-found-count]:has-text('Found in no device')");
    await page.fill("input[type=search]", "192.0.2.7");
    await page.click("[data-found] a[data-line]");
    await page.waitForSelector("[data-config-text] .cm-asked:has-text('192.0.2.7')");
  });
  await check("configurations: a wrong regular expression is told", async () => {
    await page.goto(`${url}/config/search`);
    await page.click("text=Regular expression");
    await page.fill("input[type=search]", "ip (route");
    await page.waitForSelector("main [role=alert]");
    await page.fill("input[type=search]", "^hostname sw\\d$");
    // The browser runs no expression that a link may have brought: the server says where it matches.
    await page.waitForSelector("[data-found] [data-line] mark:has-text('hostname sw1')");
    await page.waitForSelector("[data-found-at]");
  });
  await look("config-search-dark");
  await check("configurations: the device is listed as backed up, with when it was fetched, and the list filters", async () => {
    await page.goto(`${url}/fleet`);
    await page.waitForSelector("[role=row][data-device]");
    await page.locator("h1").click();
    await page.keyboard.press("g");
    await page.keyboard.press("c");
    await page.waitForSelector("[data-row]:has([data-standing=fine]:has-text('Backed up'))");
    await page.waitForSelector("th:has-text('Last fetched')");
    await page.click("text=Failing only");
    await page.waitForURL((to) => to.searchParams.get("failing") === "true");
    // The others of the site have no SSH: whether one of them was tried by now is the schedule's.
    await page.waitForSelector("[data-row]:has([data-standing=failing]), h2:has-text('No device fits the filter')");
    if (await page.locator("[data-row]:has([data-standing=fine])").count()) return "still listed";
    await page.click("text=Failing only");
    await page.waitForSelector("[data-row]:has([data-standing=fine])");
    await page.fill("main input[type=search]", "no device is called so");
    await page.waitForSelector("h2:has-text('No device fits the filter')");
  });
}

/** One with this note is there, and none of another state. */
async function onlyJobs(page, state, note) {
  await page.waitForSelector(`[data-row] [data-job-state=${state}]:has-text('${note}')`);
  const states = await page.$$eval("[data-job-state]", (all) => all.map((one) => one.dataset.jobState));
  return wrongUnless(states.every((one) => one === state), states.join());
}

async function jobs({ url, page, check, look }) {
  await check("configurations: jobs say who asked and what came of it, and filter by state", async () => {
    await page.goto(`${url}/config/jobs`);
    await page.waitForSelector(`[data-row]:has-text("${ADMIN}")`);
    await page.waitForSelector("[data-row]:has-text('nothing changed')");
    await page.goto(`${url}/config/jobs?state=done`);
    return onlyJobs(page, "done", "nothing changed");
  });
  await look("config-jobs-dark");
}

async function hostKey({ url, id, device, page, check, look }) {
  await check("configurations: another host key stops the fetch until somebody pins it", async () => {
    await device.rekey();
    await page.goto(tab(url, id));
    await fetchNow(page, "[data-host-key]");
    await look("config-host-key-dark");
    await page.click("text=Compare and pin…");
    const keys = await page.locator("[role=alertdialog] code").allTextContents();
    await page.click("[role=alertdialog] >> text=Pin the new key");
    await page.waitForSelector("[data-host-key]", { state: "detached" });
    await page.waitForSelector("[data-backup-state=up]", { timeout: FETCH_MS });
    await page.goto(`${url}/config/jobs?state=failed`);
    const other = await onlyJobs(page, "failed", "Host key changed");
    if (other) return other;
    return wrongUnless(keys.length === 2 && keys[0] !== keys[1] && keys.every((key) => key.startsWith("SHA256:")), keys.join(" "));
  });
}

async function policy({ url, page, check, look }) {
  await check("configurations: the policy of a tenant is saved, and its hours are told as they are here", async () => {
    await page.goto(`${url}/settings/configurations`);
    await page.click("[role=combobox][aria-label=Tenant]");
    await page.click(`[role=option]:has-text("${TENANT}")`);
    await page.click("text=Only at some hours");
    await page.fill("[aria-label='From, UTC']", "22:00");
    await page.fill("[aria-label='To, UTC']", "22:00");
    await page.click("main button[type=submit]");
    await page.waitForSelector("[data-field-error=window]");
    await page.fill("[aria-label='To, UTC']", "04:30");
    await page.click("main button[type=submit]");
    await page.waitForSelector("main [role=status]:has-text('Saved.')");
    const here = await page.evaluate(() => ["22:00", "04:30"].map((utc) => {
      const [hours, minutes] = utc.split(":").map(Number);
      const at = new Date();
      at.setUTCHours(hours, minutes, 0, 0);
      return new Intl.DateTimeFormat(navigator.language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);
    }));
    const told = await page.textContent("[data-local-hours]");
    if (told !== `Here: ${here[0]} to ${here[1]}.`) return told;
    // The choice is that of the head, too, and stays.
    await page.reload();
    await page.waitForSelector("[aria-label='From, UTC']");
    const kept = await page.$$eval("[aria-label='From, UTC'], [aria-label='To, UTC']", (all) => all.map((one) => one.value));
    return wrongUnless(kept.join() === "22:00,04:30", kept.join());
  });
  await look("config-policy-dark");
}

async function timeline({ url, id, page, check, look }) {
  await check("device: what happened is a line below the charts, by pointer, by keyboard and as a table", async () => {
    await page.goto(`${url}/devices/${id}?tab=interfaces`);
    await page.waitForSelector("[data-timeline] [data-mark]");
    await page.locator("[data-mark]").first().focus();
    await page.waitForSelector("[data-told]");
    await page.keyboard.press("End");
    // Below the last chart it lies over none of them.
    await page.evaluate(() => document.querySelector("[data-timeline]").parentElement.scrollIntoView(false));
    await page.click("[data-timeline-list]");
    await page.waitForSelector("[role=dialog] [data-day]");
    await look("timeline-list-dark");
    await page.keyboard.press("Escape");
    await page.click("[data-as-table]");
    await page.waitForSelector("[data-event=config_changed] a");
    await page.waitForSelector("[data-event=host_key_changed], [data-event=config_failed]");
    await page.locator("[data-event=config_changed] a").first().click();
    await page.waitForURL("**/config/cfg_*");
  });
  await look("timeline-version-dark");
}

async function others({ url, id, view, check, lookAt, sideways }) {
  const viewer = await view({ viewport: DESK, theme: "light" });
  await check("configurations: who may only look sees versions, and nothing to press", async () => {
    await signInPage(viewer.page, url, VIEWER, "/config");
    await viewer.page.goto(tab(url, id));
    await viewer.page.waitForSelector("[data-version]");
    const buttons = await viewer.page.locator("[data-run], [data-device-config] >> text=Settings…").count();
    await viewer.page.locator("[data-version] a").first().click();
    await viewer.page.waitForSelector("[data-config-diff] .cm-line");
    return wrongUnless(buttons === 0 && (await viewer.page.locator("text=With secrets…").count()) === 0, "there is something to press");
  });
  await lookAt(viewer, "config-diff-light");
  const phone = await view({ viewport: PHONE, theme: "dark", phone: true });
  await check("configurations: nothing is wider than a phone", async () => {
    await signInPage(phone.page, url, ADMIN, "/config");
    for (const path of ["/config", "/config/jobs", "/config/search?q=hostname", `/devices/${id}?tab=config`]) {
      await phone.page.goto(url + path);
      await phone.page.waitForSelector("main h1");
      const wide = await sideways(phone.page);
      if (wide) return `${path}: ${wide}`;
    }
    await phone.page.locator("[data-version] a").first().click();
    await phone.page.waitForSelector("[data-config-diff=unified] .cm-line");
    return sideways(phone.page);
  });
  await lookAt(phone, "config-diff-phone");
}
