// node scripts/icons.mjs: draws the icons of the installed app from public/favicon.svg. Run by hand when the mark changes.
import { mkdirSync, readFileSync } from "node:fs";
import { launch } from "../e2e/browser.mjs";

const PUBLIC = new URL("../public/", import.meta.url).pathname;
const mark = readFileSync(`${PUBLIC}favicon.svg`, "utf8");
/** The ground of the mark, for icons that the system cuts to a shape of its own. */
const GROUND = /<rect[^>]*fill="([^"]+)"/.exec(mark)?.[1] ?? "none";
/** `share`: how much of the side the mark takes; a circle cut out of the icon must not touch it. */
const ICONS = [
  { name: "icon-192", side: 192, share: 1, ground: "transparent" },
  { name: "icon-512", side: 512, share: 1, ground: "transparent" },
  { name: "maskable-512", side: 512, share: 0.8, ground: GROUND },
  { name: "touch-180", side: 180, share: 0.86, ground: GROUND },
];

const browser = await launch();
if (!browser) throw new Error("no Chromium found: install the package `chromium` or set FARWATCH_CHROMIUM");
mkdirSync(`${PUBLIC}icons`, { recursive: true });
for (const { name, side, share, ground } of ICONS) {
  const page = await browser.newPage({ viewport: { width: side, height: side } });
  const inner = Math.round(side * share);
  await page.setContent(`<style>body{margin:0;display:grid;place-items:center;width:${side}px;height:${side}px;background:${ground}}
    svg{width:${inner}px;height:${inner}px}</style>${mark}`);
  await page.screenshot({ path: `${PUBLIC}icons/${name}.png`, omitBackground: true });
  await page.close();
}
await browser.close();
