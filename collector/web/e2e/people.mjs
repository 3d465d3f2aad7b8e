// People of a collector with two customers: made, signed in as, let in for hours, and out again.
import { open, signOut } from "./browser.mjs";
import { CUSTOMERS } from "./stack.mjs";
import { totp } from "./totp.mjs";

const DESK = { width: 1440, height: 900 };
const TENANT = "Cobalt ISP";
const SITE = "Mast 1";
const ADMIN = "anna@cobalt.example";
const STAFF = "sam@provider.example";
const PASSWORD = "three words of my own";
const BOREALIS = Object.keys(CUSTOMERS)[1];
const row = "[role=row][data-device]";

const wrongUnless = (condition, message) => (condition ? null : message);
const submit = (page) => page.click("[role=dialog] button[type=submit]");

/** Makes somebody on the page, and returns the one-time password that it shows. */
async function add(page, url, email, fill) {
  await page.goto(`${url}/settings/people`);
  await page.click("text=Add person");
  await page.fill("#person-email", email);
  await fill();
  await submit(page);
  await page.waitForSelector("[role=dialog] code");
  const password = await page.textContent("[role=dialog] code");
  await page.click("text=I have copied it");
  await page.waitForSelector(`[data-row] >> text=${email}`);
  return password;
}

async function enter(page, email, password) {
  await page.fill("#email", email);
  await page.fill("#password", password);
  await page.click("button[type=submit]");
}

/** Signs in with a one-time password, which has to be changed first. */
async function firstSignIn(browser, url, email, oneTime, theme) {
  const view = await open(browser, { viewport: DESK, theme });
  const { page } = view;
  await page.goto(`${url}/fleet`);
  await enter(page, email, oneTime);
  await page.waitForURL("**/password**");
  return view;
}

/** `oneTime` is asked for only on a page that was loaded anew after the sign-in. */
async function choosePassword(page, oneTime = null) {
  await page.waitForSelector("#password-new");
  if (oneTime !== null) await page.fill("#password-current", oneTime);
  else if (await page.locator("#password-current").count()) throw new Error("asked again for the one-time password");
  await page.fill("#password-new", PASSWORD);
  await page.fill("#password-again", PASSWORD);
  await page.click("button[type=submit]");
  await page.waitForURL((at) => at.pathname !== "/password");
}

/** A tenant of its own from nothing, and its administrator, who sees that and nothing else. */
export async function newTenant(browser, { page }, url, { check, look }) {
  let oneTime = "";
  await check("tenants: one is made, and a site and an administrator in it", async () => {
    await page.goto(`${url}/settings/tenants`);
    await page.click("text=New tenant");
    await page.fill("#new-name", TENANT);
    await submit(page);
    await page.waitForSelector(`[data-row] >> text=${TENANT}`);
    await page.goto(`${url}/sites`);
    await page.click("text=New site");
    await page.click("#site-tenant");
    await page.click(`[role=option]:has-text("${TENANT}")`);
    await page.fill("#new-name", SITE);
    await submit(page);
    await page.waitForSelector(`[data-site] >> text=${SITE}`);
    oneTime = await add(page, url, ADMIN, async () => {
      await page.click("label:has-text('Administrator'):has-text('of one tenant')");
      await page.click(`[role=dialog] label:has-text("${TENANT}")`);
    });
  });
  const view = await firstSignIn(browser, url, ADMIN, oneTime, "light");
  const own = view.page;
  await look(view, "first-password-light");
  await check("people: who has a one-time password chooses their own before anything else", async () => {
    await own.goto(`${url}/agents`);
    await own.waitForURL("**/password**");
    await choosePassword(own, oneTime);
  });
  await check("people: the administrator of a tenant sees that tenant and no other", async () => {
    await own.waitForSelector("h2:has-text('No agent yet')");
    if (await own.locator("[data-tenant-switch]").count()) return "a switch with one tenant";
    await own.waitForSelector(`[data-tenant]:has-text("${TENANT}")`);
    await own.goto(`${url}/sites`);
    await own.waitForSelector("[data-site]");
    const sites = await own.textContent("main [role=grid]");
    if (!sites.includes(SITE) || sites.includes("Depot")) return sites;
    await own.goto(`${url}/settings/people`);
    await own.waitForSelector("[data-row]");
    return wrongUnless((await own.locator("[data-row]").count()) === 1, "somebody of another tenant is listed");
  });
  return view;
}

/** Set up on the account's page, asked for at the next sign-in. */
export async function secondFactor(view, url, { check, look }) {
  const { page } = view;
  await check("account: a second factor by a QR code that is drawn here, and codes for a lost phone", async () => {
    await page.goto(`${url}/settings/account`);
    await page.waitForSelector("[data-session=current]");
    await page.click("text=Set up");
    await page.fill("#factor-password", PASSWORD);
    await submit(page);
    await page.waitForSelector("svg[role=img]");
    await page.waitForSelector("#factor-code:focus");
    await look(view, "factor-light");
    const seed = await page.textContent("[role=dialog] code");
    await page.fill("#factor-code", totp(seed));
    await submit(page);
    await page.waitForSelector("[aria-label='Recovery codes'] li");
    await look(view, "recovery-codes-light");
    await page.click("text=I have kept them");
    await page.click("[role=dialog] button:has-text('Done')");
    await page.waitForSelector("text=Second factor: on");
    await signOut(page);
    await page.waitForURL("**/login**");
    await enter(page, ADMIN, PASSWORD);
    await page.waitForSelector("#code");
    await look(view, "code-light");
    await page.fill("#code", totp(seed, 1));
    await page.click("button[type=submit]");
    await page.waitForSelector("[data-live=live]");
  });
}

/** On the account's page; it asks for the present one. */
async function changePassword(page, url, check) {
  await check("account: another password, and the other sessions end", async () => {
    await page.goto(`${url}/settings/account`);
    await page.click("button:has-text('Change')");
    await page.fill("#password-new", `${PASSWORD} more`);
    await page.fill("#password-again", `${PASSWORD} less`);
    await submit(page);
    await page.waitForSelector("[data-field-error=password-again]");
    await page.fill("#password-again", `${PASSWORD} more`);
    await page.fill("#password-current", PASSWORD);
    await submit(page);
    await page.waitForSelector("text=Your password is changed");
    return wrongUnless((await page.locator("[data-session]").count()) === 1, "more than one session");
  });
}

/** One of the staff: nothing, then one tenant for a reason, then nothing again. */
export async function providerAccess(browser, desk, url, { check, look }) {
  const { page } = desk;
  const oneTime = await add(page, url, STAFF, () => page.click("label:has-text('Provider staff')"));
  await look(desk, "people-dark");
  const view = await firstSignIn(browser, url, STAFF, oneTime, "light");
  await check("provider access: staff see no tenant by themselves, and one when they are let in", async () => {
    await choosePassword(view.page);
    await view.page.waitForSelector("h2:has-text('You see no tenant now')");
    await page.goto(`${url}/settings/provider-access`);
    await page.click("main button:has-text('Give access')");
    await page.click("#grant-email");
    await page.click(`[role=option]:has-text("${STAFF}")`);
    await page.fill("#grant-reason", "Ticket 4711: no traffic at the depot");
    await page.click("#grant-tenant");
    await page.click(`[role=option]:has-text("${BOREALIS}")`);
    await look(desk, "give-access-dark");
    await submit(page);
    await page.waitForSelector(`[data-row]:has-text("Ticket 4711")`);
    await view.page.reload();
    await view.page.waitForFunction((one) => document.querySelectorAll(one).length === 2, row);
    await view.page.waitForSelector(`[data-visits]:has-text("In ${BOREALIS} as viewer"):has-text("Ticket 4711")`);
  });
  await look(desk, "provider-access-dark");
  await check("provider access: ended, it is over on the open page", async () => {
    await page.click("[data-row] button:has-text('End now')");
    await page.click("[role=alertdialog] button:has-text('End now')");
    await page.waitForSelector("[data-row]:has-text('ended')");
    await view.page.waitForSelector("h2:has-text('You see no tenant now')");
    return wrongUnless((await view.page.locator(row).count()) === 0, "devices are left on the page");
  });
  await look(view, "no-tenant-light");
  await changePassword(view.page, url, check);
  return view;
}
