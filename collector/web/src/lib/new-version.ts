/** A collector that was upgraded no longer has the files an open page was built from. */

const KEY = "farwatch.reloaded-at";
/** A file that is missing again so soon after a reload will not come by another one. */
const AGAIN_MS = 60_000;
/** A collector that answers at all answers this at once. */
const HEALTH_MS = 5_000;

const MISSING = "A part of the page could not be loaded.";

/** True when the collector answers: only then does a reload not throw the page away. */
export async function answers(): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(HEALTH_MS);
    return (await fetch("/health/live", { cache: "no-store", signal })).ok;
  } catch {
    return false;
  }
}

/** Reloads the page when the collector answers; says whether it did. */
export async function reloadIfAnswered(reload: () => void = () => location.reload()): Promise<boolean> {
  const isThere = await answers();
  if (isThere) reload();
  return isThere;
}

/**
 * Reloads the page when a part of it is missing on a collector that answers, but not twice in a
 * row. While nobody answers the page stays, and the place of the part says so.
 */
export function reloadOnMissingParts(reload: () => void = () => location.reload()): void {
  addEventListener("vite:preloadError", ({ payload }) => {
    // At the sight of the browser's own words the router would reload, whoever answers.
    if (payload instanceof Error) payload.message = MISSING;
    const at = Number(sessionStorage.getItem(KEY) ?? 0);
    if (Date.now() - at < AGAIN_MS) return;
    void reloadIfAnswered(() => {
      sessionStorage.setItem(KEY, String(Date.now()));
      reload();
    });
  });
}

/** A part of the page could not be fetched: by our words, or by those of each browser. */
export function isMissingPart(error: unknown): boolean {
  return error instanceof Error &&
    (error.message === MISSING || /dynamically imported|module script/i.test(error.message));
}
