// Rules of this tree that no linter knows: short components, colours by tokens only.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const SRC = new URL("../src/", import.meta.url).pathname;
const MAX_COMPONENT_LINES = 200;
const COLOUR = /#[0-9a-f]{3,8}\b(?![-\w])|\b(?:rgb|hsl|oklch)a?\(/i;
const PALETTE = /\b(?:text|bg|border|fill|stroke)-(?:red|green|blue|gray|slate|zinc|amber|white|black)\b/;

const problems = [];
for (const name of readdirSync(SRC, { recursive: true })) {
  if (!/\.(tsx?|css)$/.test(name) || /\.gen\.ts$|\.test\./.test(name)) continue;
  const lines = readFileSync(join(SRC, name), "utf8").trimEnd().split("\n");
  if (name.endsWith(".tsx") && lines.length > MAX_COMPONENT_LINES) {
    problems.push(`${name}: ${lines.length} lines, at most ${MAX_COMPONENT_LINES}`);
  }
  if (name.endsWith("tokens.css")) continue;
  lines.forEach((line, i) => {
    if (COLOUR.test(line) || PALETTE.test(line)) problems.push(`${name}:${i + 1}: colour outside tokens.css`);
    if (line.startsWith("export *")) problems.push(`${name}:${i + 1}: barrel export`);
  });
}
for (const problem of problems) console.error(problem);
process.exit(problems.length > 0 ? 1 : 0);
