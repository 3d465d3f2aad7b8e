/** Writes the service worker beside the page, with the names of all files of this build in it. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Plugin } from "vite";

const SOURCE = new URL("./sw.js", import.meta.url);
/** Beside the hashed files: what stands in `public/`, without the worker itself. */
const PUBLIC = ["/favicon.svg", "/manifest.webmanifest", "/icons/icon-192.png"];

export function serviceWorker(): Plugin {
  return {
    name: "farwatch-service-worker",
    apply: "build",
    generateBundle(_, bundle) {
      const hashed = Object.keys(bundle).filter((name) => name.startsWith("assets/") && !name.endsWith(".map")).map((name) => `/${name}`);
      const files = JSON.stringify([...hashed.toSorted(), ...PUBLIC]);
      const source = readFileSync(SOURCE, "utf8");
      // The page is part of the build: one that differs in it alone is another build too.
      const page = bundle["index.html"];
      const html = page?.type === "asset" ? String(page.source) : "";
      const build = createHash("sha256").update(files).update(source).update(html).digest("hex").slice(0, 12);
      this.emitFile({
        type: "asset", fileName: "sw.js",
        source: source.replace("/* global FILES, BUILD */", `const FILES = ${files};\nconst BUILD = "${build}";`),
      });
    },
  };
}
