// Channels, routes and the log of deliveries, on a collector of its own that may tell a receiver of webhooks and a
// mail server on loopback: each message that a page says was delivered has come there.
import { violations } from "./browser.mjs";
import { isSignedBy, runVerify, startHooks, startMail } from "./sinks.mjs";
import { CUSTOMERS, openAs, PEOPLE, twoCustomers } from "./stack.mjs";

const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
const [ADMIN, VIEWER] = Object.keys(PEOPLE);
const [ALPINE, BOREALIS] = Object.keys(CUSTOMERS);
const HOOK = "NOC hook";

const wrongUnless = (condition, message) => (condition ? null : message);
const submit = (page) => page.click("[role=dialog] button[type=submit]");
const closed = (page) => page.waitForSelector("[role=dialog], [role=alertdialog]", { state: "detached" });
const config = (hooks, mail) => `
[[notify.allow]]
network = "127.0.0.1"
ports = [${hooks.port}]
plain = true
${mail ? `[notify.smtp]\nhost = "127.0.0.1"\nport = ${mail.port}\nencryption = "none"\nfrom = "fw@farwatch.example"\n` : ""}`;

async function refusals(page, at, { check, look }) {
  await check("notifications: a tenant without a channel is told what that means", async () => {
    await page.goto(at);
    await page.waitForSelector(`h2:has-text("Nobody is told of alerts of ${BOREALIS}")`);
  });
  await look("notify-empty-dark");
  await check("channel: what is missing is told before anything is sent", async () => {
    await page.click("text=Make a channel");
    await submit(page);
    await page.waitForSelector("[data-field-error=channel-name]");
    await page.waitForSelector("[data-field-error=channel-to]");
  });
  await check("channel: a webhook to loopback is refused with its reason, and who can allow it", async () => {
    await page.click("[role=dialog] label:has-text('Webhook')");
    await page.fill("#channel-name", HOOK);
    await page.fill("#channel-url", "https://127.0.0.2:9000/a-secret");
    await submit(page);
    const wrong = await page.textContent("[data-field-error=channel-url]");
    if (!wrong.includes("a loopback address")) return wrong;
    const lines = await page.innerText("[data-refused] pre");
    return wrongUnless(lines.includes('network = "127.0.0.2"') && lines.includes("ports = [9000]"), lines);
  });
  await look("channel-refused-dark");
  await check("channel: a click beside the form loses nothing of it", async () => {
    await page.mouse.click(5, 5);
    return wrongUnless((await page.inputValue("#channel-name")) === HOOK, "the name is gone");
  });
}

async function makes(page, hooks, { check, look }) {
  let secret = "";
  await check("channel: made, its key is shown once, and a test is delivered", async () => {
    await page.fill("#channel-url", `http://127.0.0.1:${hooks.port}/farwatch?token=hush-hush`);
    await submit(page);
    await page.waitForSelector("[data-made]");
    secret = (await page.innerText("[data-made] code >> nth=0")).trim();
    if (!secret.startsWith("whsec_")) return `no key but «${secret}»`;
    await page.click("[role=dialog] [data-test]");
    await page.waitForSelector("[role=dialog] [data-tested=delivered] >> text=answered 204");
  });
  await check("channel: what came is signed, and the lines shown there say so", async () => {
    const came = await hooks.next();
    if (came.path !== "/farwatch?token=hush-hush" || !isSignedBy(came, secret)) return `${came.path} is not signed by the key that was shown`;
    const lines = await page.innerText("[data-verify] pre");
    const told = [runVerify(lines, came, secret), runVerify(lines, came, `whsec_${"A".repeat(32)}`)];
    return wrongUnless(told.join() === "True True,False True", told.join());
  });
  await look("channel-made-dark");
  await check("channel: no page shows the URL or the key again", async () => {
    await page.click("text=I have copied the key");
    await closed(page);
    await page.waitForSelector("[data-row] >> text=Working");
    const html = await page.content();
    return wrongUnless(!html.includes("hush-hush") && !html.includes("whsec_"), "a secret is on the page");
  });
  return secret;
}

async function routes(page, { check, look }) {
  await check("routes: where nobody is told the page says so, and one click mends it", async () => {
    await page.waitForSelector("[data-nobody] >> text=Alerts would reach nobody");
    await look("notify-nobody-dark");
    await page.click(`text=Tell ${HOOK} of warnings and worse`);
    await page.waitForSelector("[data-nobody]", { state: "detached" });
    await page.waitForSelector(`[data-told=warning] >> text=${HOOK}`);
    return wrongUnless((await page.textContent("[data-told=info]")) === "nobody", "of information too");
  });
  await check("routes: one is narrowed to a site and a tag, and reads as a sentence", async () => {
    await page.click(`[aria-label='Edit the route to ${HOOK}']`);
    await page.click("[role=dialog] label:has-text('Critical')");
    await page.click("[role=dialog] label:has-text('Depot')");
    await page.fill("#route-tags", "core,");
    await page.waitForSelector("[data-sentence] >> text=tagged «core» at Depot");
    await look("route-edit-dark");
    await submit(page);
    await closed(page);
    await page.waitForSelector("[data-row] >> text=Critical alerts of devices tagged «core» at Depot go to");
    if ((await page.locator("[aria-label=Routes] [data-row]").count()) !== 1) return "the route before is still there";
    return wrongUnless((await page.textContent("[data-told=critical]")).includes("only of devices tagged «core» at Depot"), "it counts as told of all");
  });
}

async function fails(page, hooks, { check, look }) {
  let refused = "";
  await check("channel: a test that is refused says by what, and what to do", async () => {
    hooks.answer.status = 503;
    await page.click(`[aria-label=Channels] a:has-text("${HOOK}")`);
    await page.waitForSelector(`h1:text-is("${HOOK}")`);
    await page.click("header [data-test]");
    await page.waitForSelector("[data-tested=failed] >> text=refused: answered 503. The receiver has a fault of its own");
    await page.waitForSelector("header >> text=Failed last");
    refused = (await hooks.next()).headers["webhook-id"];
  });
  await look("notify-failed-dark");
  await check("deliveries: the log has both tests, is filtered by state, and the URL holds it", async () => {
    await page.click("[aria-label='Close the result']");
    await page.waitForSelector("[data-last-error] >> text=refused: answered 503");
    await page.waitForFunction(() => document.querySelectorAll("[aria-label=Deliveries] [data-row]").length === 2);
    await page.click("[aria-label=State]");
    await page.click("[role=option]:has-text('given up')");
    await page.waitForURL((url) => url.searchParams.get("state") === "failed");
    await page.waitForFunction(() => document.querySelectorAll("[aria-label=Deliveries] [data-row]").length === 1);
    await page.waitForSelector("[aria-label=Deliveries] >> text=refused: answered 503");
  });
  await check("deliveries: one opens to its attempts and to what the receiver knows it by", async () => {
    await page.click("[aria-label=Deliveries] button[aria-expanded]");
    await page.waitForSelector("[aria-label=Attempts] li >> text=refused: answered 503");
    hooks.answer.status = 204;
    const key = await page.innerText("[data-detail] code");
    return wrongUnless(key === refused, `${key} is not ${refused}, which came`);
  });
  await look("channel-log-dark");
}

async function exchange(page, hooks, old, { check, look }) {
  await check("channel: its key is exchanged, both sign meanwhile", async () => {
    await page.click("text=Rotate key…");
    await page.click("[role=alertdialog] >> text=Make a new key");
    await page.waitForSelector("[role=dialog] code");
    const fresh = (await page.innerText("[role=dialog] code")).trim();
    await look("channel-key-dark");
    await page.click("text=I have copied it");
    await closed(page);
    await page.click("header [data-test]");
    const both = await hooks.next();
    if (!isSignedBy(both, old) || !isSignedBy(both, fresh)) return "one of the two keys does not sign";
    await page.click("[data-keys='2'] button");
    await page.click("[role=alertdialog] >> text=End it");
    await page.waitForSelector("[data-keys='1']");
    await page.click("header [data-test]:not([disabled])");
    const one = await hooks.next();
    return wrongUnless(!isSignedBy(one, old) && isSignedBy(one, fresh), "the key before still signs");
  });
}

async function mails(page, at, mail, { check, look }) {
  if (!mail) {
    console.log("no aiosmtpd found: mail is left out (install python3-aiosmtpd)");
    return;
  }
  await check("channel: a mail to two people comes to both", async () => {
    await page.goto(at);
    await page.click("text=New channel");
    await page.fill("#channel-name", "On call");
    await page.fill("#channel-to", "noc@farwatch.example\nduty@farwatch.example");
    await submit(page);
    await page.click("[role=dialog] [data-test]");
    await page.waitForSelector("[role=dialog] [data-tested=delivered]");
    const { to, text } = await mail.next();
    if (to.join() !== "noc@farwatch.example,duty@farwatch.example") return to.join();
    return wrongUnless(text.includes("Subject: Farwatch: test"), text);
  });
  await check("channel: from there a route is made", async () => {
    await page.click("[role=dialog] >> text=Make a route…");
    await page.waitForSelector("[data-sentence] >> text=Alerts of warning or worse go to On call");
    await submit(page);
    await closed(page);
    await page.waitForSelector("[data-told=warning] >> text=On call");
  });
  await look("notify-dark");
  await check("channel: switched off it is told nothing, and the page says so", async () => {
    await page.click("[aria-label=Channels] a:has-text('On call')");
    await page.click("header button:text-is('Edit')");
    await page.click("[role=dialog] label:has-text('On') input[type=checkbox]");
    await submit(page);
    await closed(page);
    await page.goto(at);
    await page.waitForSelector("[data-row] [data-state=off]");
    return wrongUnless((await page.textContent("[data-told=warning]")).trim().startsWith("nobody"), await page.textContent("[data-coverage]"));
  });
}

/** All of it. */
export async function notify(browser, { check, look, sideways }) {
  const hooks = await startHooks();
  const mail = await startMail();
  try {
    const stack = await twoCustomers(config(hooks, mail));
    try {
      await drive(browser, stack, { hooks, mail, check, look, sideways });
    } finally {
      await stack.stop();
    }
  } finally {
    await Promise.all([hooks.stop(), mail?.stop()]);
  }
}

async function drive(browser, { url, ask }, { hooks, mail, check, look, sideways }) {
  const tenant = (await ask("GET", "/api/v1/tenants")).find(({ name }) => name === BOREALIS).id;
  const at = `${url}/settings/notifications?tenant=${tenant}`;
  const desk = await openAs(browser, url, ADMIN, { viewport: DESK, theme: "dark" });
  const { page } = desk;
  const ways = { check, look: (name) => look(desk, name) };
  await refusals(page, at, ways);
  const secret = await makes(page, hooks, ways);
  await routes(page, ways);
  await fails(page, hooks, ways);
  await exchange(page, hooks, secret, ways);
  const channel = new URL(page.url()).pathname;
  await mails(page, at, mail, ways);
  const viewer = await openAs(browser, url, VIEWER, { viewport: DESK, theme: "light" });
  await check("notifications: a viewer sees who is told, and no button", async () => {
    await viewer.page.goto(`${url}/settings/notifications`);
    await viewer.page.waitForSelector("[data-row]");
    const buttons = await viewer.page.$$eval("main button:not([data-sort])", (all) => all.map((one) => one.textContent));
    return buttons.length > 0 ? buttons.join() : null;
  });
  await look(viewer, "notify-viewer-light");
  const light = await openAs(browser, url, ADMIN, { viewport: DESK, theme: "light" });
  const phone = await openAs(browser, url, ADMIN, { viewport: PHONE, theme: "dark", phone: true });
  await check("notifications: of several tenants those are named where nobody is told", async () => {
    await light.page.goto(`${url}/settings/notifications`);
    await light.page.waitForSelector(`[data-untold] a:text-is("${ALPINE}")`);
  });
  await look(light, "notify-all-light");
  for (const [suffix, view] of Object.entries({ light, phone })) {
    for (const [name, path] of [["notify", at], ["channel", `${url}${channel}`]]) {
      await check(`${name}-${suffix}: fits`, async () => {
        await view.page.goto(path);
        await view.page.waitForSelector("[data-row] >> nth=1");
        return sideways(view.page);
      });
      await look(view, `${name}-${suffix}`);
    }
    await check(`new-channel-${suffix}: fits`, async () => {
      await view.page.goto(at);
      await view.page.click("text=New channel");
      await view.page.click("[role=dialog] label:has-text('MQTT')");
      return sideways(view.page);
    });
    await look(view, `new-channel-${suffix}`);
  }
  await check("notifications: nothing was logged and the policy held", async () => {
    const all = [];
    for (const view of [desk, viewer, light, phone]) all.push(...view.complaints, ...(await violations(view.page)));
    return all.length > 0 ? all : null;
  });
}
