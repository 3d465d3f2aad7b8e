// The pages below /settings of a collector with two customers: each change is made by hand there.

const wrongUnless = (condition, message) => (condition ? null : message);

/** The audit tells what the checks before it have done. */
export async function audit(view, url, { check, look }) {
  const { page } = view;
  await check("audit: says what was just done, by whom, newest first", async () => {
    await page.goto(`${url}/settings/audit`);
    await page.waitForSelector("[data-row]");
    const first = await page.locator("[data-row]").filter({ hasText: "billing" }).first().textContent();
    return wrongUnless(first?.includes("revoked API key billing") && first.includes("noc@farwatch.example"), first);
  });
  await check("audit: a row opens to what was and what is, with its request", async () => {
    await page.locator("[data-row]", { hasText: "made API key billing" }).locator("button[aria-expanded]").click();
    const detail = await page.textContent("[data-detail]");
    if (!/req_\w+/.test(detail)) return `no request: ${detail}`;
    await page.click("[data-detail] >> text=Show all of this request");
    await page.waitForURL((at) => at.searchParams.get("q")?.startsWith("req_"));
    await page.waitForFunction(() => document.querySelectorAll("[data-row]").length === 1);
    return wrongUnless((await page.locator("[data-chip]").count()) === 2, "not two filters in force");
  });
  await look("audit-request");
  await check("audit: a filter goes by a click, and the export has those in force", async () => {
    await page.click("[data-chip]:has-text('req_')");
    await page.click("[aria-label=Kind]");
    await page.click("[role=option]:has-text('API keys')");
    await page.waitForURL((at) => at.searchParams.get("kind") === "api_key");
    await page.waitForFunction(() => document.querySelectorAll("[data-row]").length === 2);
    const href = await page.getAttribute("a[download='audit.csv']", "href");
    const answer = await page.request.get(url + href);
    const lines = (await answer.text()).trim().split("\n");
    return wrongUnless(lines.length === 3 && lines[0].startsWith("tenant,"), lines.join("\n"));
  });
  await check("audit: where nothing is found, it says what to do", async () => {
    await page.fill("input[type=search]", "nobody-is-called-so");
    await page.waitForSelector("h2:has-text('Nothing that fits')");
    await page.click("text=Clear the filters");
    await page.waitForSelector("[data-row]");
  });
  await look("audit");
}
