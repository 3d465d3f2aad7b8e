// Fails when a bundle outgrows its budget. Sizes are gzip bytes as the server sends them.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const KB = 1000;
const BUDGET = { first: 180 * KB, route: 100 * KB, css: 20 * KB, dist: 700 * KB };
const ASSETS = new URL("../dist/assets/", import.meta.url);
const HTML = new URL("../dist/index.html", import.meta.url);

const files = readdirSync(ASSETS).filter((name) => /\.(js|css)$/.test(name));
const text = new Map(files.map((name) => [name, readFileSync(new URL(name, ASSETS), "utf8")]));
const size = new Map([...text].map(([name, body]) => [name, gzipSync(body, { level: 9 }).length]));

/** A chunk and everything it imports at once. */
function closure(start, seen = new Set()) {
  if (seen.has(start) || !text.has(start)) return seen;
  seen.add(start);
  const body = text.get(start);
  for (const found of body.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g)) closure(found[1], seen);
  return seen;
}

const sum = (names) => [...names].reduce((total, name) => total + (size.get(name) ?? 0), 0);
const entry = /src="\/assets\/([^"]+\.js)"/.exec(readFileSync(HTML, "utf8"))?.[1];
if (!entry) throw new Error("dist/index.html names no entry: run `npm run build` first");

const isRoute = (name) =>
  /^(_app|fleet|devices\._id|devices\._id_\.live|(?:overview|interfaces|metrics|events)-tab|device-chart|agents\.[a-z_]+|sites\.[a-z_]+|setup|fleet_\.import|login|wall|diff-view|alerts\.[a-z_.]+|config\.[a-z_]+|settings(?:\.[a-z_-]+)*)-[\w-]{8}\.js$/.test(name);
const shell = closure(entry);
// The shell and Now, its first page, are both named after the folder of routes; each other route comes on top of them.
for (const name of files.filter((f) => /^(_app|route)-[\w-]{8}\.js$/.test(f))) closure(name, shell);

const lines = [
  ["first load (entry, shell, now)", sum(shell), BUDGET.first],
  ...files.filter((f) => isRoute(f) && f.endsWith(".js")).map((name) => {
    const own = [...closure(name)].filter((part) => !(name.startsWith("_app-") ? closure(entry) : shell).has(part));
    return [`route ${name.replace(/-[\w-]{8}\.js$/, "")}`, sum(own), BUDGET.route];
  }),
  ["css", sum(files.filter((f) => f.endsWith(".css"))), BUDGET.css],
  ["whole dist", sum(files), BUDGET.dist],
];
let failed = false;
for (const [what, bytes, budget] of lines) {
  const over = bytes > budget;
  failed ||= over;
  console.log(`${over ? "OVER" : "ok  "} ${(bytes / KB).toFixed(1).padStart(6)} / ${budget / KB} kB  ${what}`);
}
process.exit(failed ? 1 : 0);
