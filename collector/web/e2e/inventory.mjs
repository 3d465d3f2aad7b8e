// Many devices changed at once, one by itself, credential profiles and quotas; then what the audit says.
const row = "[role=row][data-device]";
const wrongUnless = (condition, message) => (condition ? null : message);
const submit = (page) => page.click("[role=dialog] button[type=submit]");
const confirm = (page, text) => page.click(`[role=alertdialog] button:has-text("${text}")`);

export async function inventory(desk, url, { check, look }) {
  const { page } = desk;
  await check("fleet: marked rows are changed together, after a question that names how many", async () => {
    await page.goto(`${url}/fleet`);
    await page.waitForSelector(row);
    await page.locator("h1").click();
    await page.keyboard.press("j");
    await page.keyboard.press("x");
    await page.locator(`${row} input`).nth(1).click();
    await page.waitForSelector("[data-bulk] >> text=2 devices marked");
    await look(desk, "marked-dark");
    await page.click("text=Edit…");
    await page.fill("#bulk-add", "core, edge");
    await page.click("#bulk-interval");
    await page.click("[role=option]:has-text('30 s')");
    await page.click("[data-options] summary");
    await page.fill("#bulk-gap", "20");
    await look(desk, "bulk-dark");
    await submit(page);
    await page.waitForSelector("[role=alertdialog] >> text=Change 2 devices?");
    await page.waitForSelector("[role=alertdialog] >> text=20 ms delay");
    await confirm(page, "Change 2 devices");
    await page.waitForFunction(() => document.querySelectorAll("[data-tags]").length === 2);
    return wrongUnless((await page.locator("[data-bulk]").count()) === 0, "still marked");
  });
  await check("fleet: a tag filters, and the URL holds it", async () => {
    await page.click("[data-tag-filter]");
    await page.click("[role=option]:has-text('core')");
    await page.waitForURL((at) => at.searchParams.get("tag") === "core");
    await page.waitForFunction((one) => document.querySelectorAll(one).length === 2, row);
  });
  await look(desk, "fleet-tags-dark");
  await check("device: edited in its place; the credential in force is told", async () => {
    await page.locator(`${row} a`).first().click();
    await page.waitForSelector("text=own community");
    await page.click("[aria-label='Edit device']");
    await page.fill("#device-name", "edge-1");
    await look(desk, "device-edit-dark");
    await submit(page);
    await page.waitForSelector("h1:text-is('edge-1')");
    await page.click("[aria-label='Edit device']");
    await page.click("text=Use a credential profile instead");
    await confirm(page, "Remove it");
    await page.waitForSelector("[data-asked=snmp] [data-hint=no_credential]");
    await page.keyboard.press("Escape");
    await page.waitForSelector("[role=dialog]", { state: "detached" });
  });
  await check("credentials: a profile is made and is in force where it fits", async () => {
    const device = page.url();
    const trail = await page.textContent("[aria-label=Breadcrumb]");
    const tenant = ["Alpine Fibre", "Borealis Net"].find((name) => trail.includes(name));
    await page.goto(`${url}/settings/credentials`);
    await page.click("main button:has-text('profile') >> nth=0");
    await page.fill("#profile-name", "All routers");
    await page.click("#profile-tenant");
    await page.click(`[role=option]:has-text("${tenant}")`);
    await page.fill("#profile-community", "not-shown-again");
    await submit(page);
    await page.waitForSelector("[data-row]:has-text('All routers')");
    if ((await page.content()).includes("not-shown-again")) return "the community is on the page";
    await look(desk, "credentials-dark");
    await page.goto(device);
    await page.waitForSelector("text=profile All routers");
  });
  await check("credentials: a user of SNMPv3; its limits are told before anything is sent", async () => {
    await page.goto(`${url}/settings/credentials`);
    await page.click("main button:has-text('profile') >> nth=0");
    await page.fill("#profile-name", "Core switches");
    await page.click("#profile-tenant");
    await page.click("[role=option]:has-text('Borealis Net')");
    await page.click("#profile-version");
    await page.click("[role=option]:has-text('User')");
    await page.fill("#profile-user", "ops");
    await page.fill("#profile-auth-password", "short");
    await submit(page);
    await page.waitForSelector("[data-field-error=profile-auth-password]:has-text('8 or more')");
    await look(desk, "profile-user-dark");
    await page.fill("#profile-auth-password", "never to be seen again");
    await page.fill("#profile-privacy-password", "nor is this one");
    await submit(page);
    await page.waitForSelector("[data-row]:has-text('v3 · ops · SHA-256/AES-128')");
    const told = await page.content();
    return ["never to be seen again", "nor is this one"].filter((secret) => told.includes(secret)).join() || null;
  });
  await check("add device: an agent that is not connected cannot find a credential, and it says so", async () => {
    await page.goto(`${url}/fleet`);
    await page.click("text=Add device");
    await page.click("#agent");
    await page.click("[role=option]:has-text('Borealis Net')");
    await page.fill("#address", "192.0.2.7");
    await page.waitForSelector("[role=dialog] [role=status]:has-text('The agent has never connected.')");
    return wrongUnless(await page.isDisabled("[data-find]"), "«Find credential» can be pressed");
  });
  await look(desk, "add-device-refused-dark");
  await check("add device: one that is only pinged needs no credential", async () => {
    await page.fill("#name", "camera-7");
    await page.click("[data-options] summary");
    await page.fill("#add-gap", "20");
    await submit(page);
    await page.waitForSelector("[role=dialog]", { state: "detached" });
    await page.click(`${row}:has-text("camera-7") a`);
    await page.waitForSelector("h1:text-is('camera-7')");
    await page.click("[aria-label='Edit device']");
    await page.waitForSelector("[data-options] >> text=changed");
    await page.keyboard.press("Escape");
    await page.waitForSelector("[role=dialog]", { state: "detached" });
  });
  await check("quotas: set by the provider, and full at once", async () => {
    await page.goto(`${url}/settings/tenants`);
    await page.locator("[data-row]", { hasText: "Alpine Fibre" }).locator("button[aria-expanded]").click();
    await page.click("text=Edit the quota");
    await page.fill("#quota-devices", "3");
    await submit(page);
    await page.waitForSelector("[data-quota] >> text=full");
  });
  await look(desk, "quota-dark");
  await check("sites: one where something stands is not removed, and it says why", async () => {
    await page.goto(`${url}/sites`);
    await page.click("[data-site] a:text-is('Summit')");
    await page.click("[data-site-page] [data-more]");
    await page.click("button:text-is('Remove')");
    await confirm(page, "Remove site");
    await page.waitForSelector("[role=alertdialog] [role=alert]");
    await confirm(page, "Keep it");
  });
  await check("audit: all of it stands there", async () => {
    await page.goto(`${url}/settings/audit`);
    await page.waitForSelector("[data-row]:has-text('made credential profile All routers')");
    const rows = await page.textContent("main table");
    const told = ["changed device edge-1", "ended the provider access of", "turned on a second factor", "changed the quota of"];
    return told.filter((words) => !rows.includes(words)).map((words) => `not told: ${words}`).join("\n") || null;
  });
}
