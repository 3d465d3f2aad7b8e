/** A collector that was upgraded no longer has the files an open page was built from. */

const KEY = "farwatch.reloaded-at";
/** A file that is missing again so soon after a reload will not come by another one. */
const AGAIN_MS = 60_000;

/** Reloads the page when a part of it cannot be fetched, but not twice in a row. */
export function reloadOnMissingParts(reload: () => void = () => location.reload()): void {
  addEventListener("vite:preloadError", (event) => {
    const at = Number(sessionStorage.getItem(KEY) ?? 0);
    if (Date.now() - at < AGAIN_MS) return;
    sessionStorage.setItem(KEY, String(Date.now()));
    event.preventDefault();
    reload();
  });
}

/** A part of the page could not be fetched: each browser says it in its own words. */
export function isMissingPart(error: unknown): boolean {
  return error instanceof Error && /dynamically imported|module script/i.test(error.message);
}
