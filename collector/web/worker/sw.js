// The service worker: keeps the app's own files, so that it opens while the collector is away.
//
// In: requests of its pages. Out: hashed files from the cache, the page from the network first; anything else, all of
// the API above all, goes by as if this were not here. FILES and BUILD are put in when the UI is built.

/* global FILES, BUILD */
const PREFIX = "farwatch-shell-";
const SHELL = PREFIX + BUILD;
const PAGE = "/";
/** Pages of the build before go on finding their files. */
const BUILDS_KEPT = 2;
/** A page is asked for no longer than this before the kept one is shown. */
const PAGE_MS = 4000;
const ANY_QUERY = { search: "*" };
/** A proxy whose collector is away answers so. */
const AWAY = new Set([502, 503, 504]);

async function install() {
  const cache = await caches.open(SHELL);
  await cache.addAll([PAGE, ...FILES]);
  // It serves pages of both builds, so it need not wait for those of the old one to be closed.
  await self.skipWaiting();
}

async function activate() {
  // In the order in which they were made.
  const shells = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== SHELL);
  await Promise.all(shells.slice(0, Math.max(0, shells.length - BUILDS_KEPT + 1)).map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function page(request) {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PAGE_MS) });
    if (AWAY.has(answer.status)) throw new Error(`answered ${answer.status}`);
    return answer;
  } catch (error) {
    // That of this build, whose files are here: each route of the app is the same page.
    const kept = await (await caches.open(SHELL)).match(PAGE);
    if (!kept) throw error;
    return kept;
  }
}

async function file(request) {
  return (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
}

self.addEventListener("install", (event) => {
  // Where the browser can be told, it does not even ask: what a page sends while it goes away must not wait for a worker.
  if (event.addRoutes) {
    const past = (pathname) => ({ condition: { urlPattern: new URLPattern({ pathname, ...ANY_QUERY }) }, source: "network" });
    event.waitUntil(event.addRoutes(["/api/*", "/health/*"].map(past)));
  }
  event.waitUntil(install());
});
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (pathname.startsWith("/api/") || pathname.startsWith("/health/")) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (FILES.includes(pathname)) event.respondWith(file(request));
  else if (pathname.startsWith("/assets/")) event.respondWith(file(request));
});
