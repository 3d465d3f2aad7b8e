// Chromium on loopback, with a watch on everything the page complains about.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const CANDIDATES = [
  process.env.FARWATCH_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome",
];
const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** The browser, or null when none is installed. */
export async function launch() {
  const executablePath = CANDIDATES.find((path) => path && existsSync(path));
  return executablePath ? chromium.launch({ executablePath, args: FLAGS }) : null;
}

/** Opens views by `view(options)` and keeps them all, for what is asked of each in the end. */
export function viewsOf(browser) {
  const views = [];
  const view = async (options) => {
    const made = await open(browser, options);
    views.push(made);
    return made;
  };
  return { views, view };
}

/** A page in one theme and size. `complaints` fills with console errors and policy violations. */
export async function open(browser, { viewport, theme, storageState, phone = false, timezoneId }) {
  const context = await browser.newContext({
    viewport, hasTouch: phone, reducedMotion: "reduce", ignoreHTTPSErrors: true,
    ...(storageState ? { storageState } : {}), ...(timezoneId ? { timezoneId } : {}),
  });
  await context.addInitScript((name) => {
    if (!localStorage.getItem("farwatch.theme")) localStorage.setItem("farwatch.theme", name);
    window.policyViolations = [];
    addEventListener("securitypolicyviolation", (event) => {
      window.policyViolations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
  }, theme);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints = [];
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    // The browser logs each refused request; the tests have some refused on purpose.
    if (/Failed to load resource: .* (401|403|409|422)/.test(message.text())) return;
    // An id that is none is asked for on purpose.
    if (message.location().url.endsWith("/no-id") || message.location().url.includes("/no-id/")) return;
    // One agent of a tenant at a time is counted: who is refused shows nothing of it.
    if (/ 429 /.test(message.text()) && message.location().url.endsWith("/completeness")) return;
    complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error.stack ?? error)));
  return { context, page, complaints };
}

export async function violations(page) {
  return page.evaluate(() => window.policyViolations ?? []);
}

/** Rules of WCAG 2.2 A and AA that the page breaks, one line each. axe runs outside the policy. */
export async function axe(context, page) {
  const session = await context.newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: AXE });
  await session.detach();
  const found = await page.evaluate(
    (tags) => window.axe.run(document, { runOnly: tags }).then((result) => result.violations),
    WCAG,
  );
  return found.map((rule) => `${rule.id}: ${rule.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | ")}`);
}

/** By the account menu in the head. */
export async function signOut(page) {
  await page.click("[data-account]");
  await page.click("[aria-label='Your account'] button:has-text('Sign out')");
}
