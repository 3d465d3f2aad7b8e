/** The service worker, which keeps the app's own files so that it opens while the collector is away. */

/** Another build took over since the page was opened: what runs here is of the one before. */
let isReplaced = false;

export function isOldBuild(): boolean {
  return isReplaced;
}

/** Only over https and on loopback: browsers give no worker to other pages. */
const container = (): ServiceWorkerContainer | undefined => navigator.serviceWorker;

/** The app can be opened without the collector. */
export function opensAlone(): boolean {
  return Boolean(container()?.controller);
}

export function startWorker(): void {
  const workers = container();
  if (!workers || !import.meta.env.PROD) return;
  let hadOne = workers.controller !== null;
  workers.addEventListener("controllerchange", () => {
    // The first one takes over the page that brought it.
    if (hadOne) isReplaced = true;
    hadOne = true;
  });
  addEventListener("load", () => {
    // Its own file is asked for each time: it names all others.
    workers.register("/sw.js", { updateViaCache: "none" }).catch(() => {});
  });
}

/** The collector is back: it may be another build by now. */
export function lookForUpdate(): void {
  void container()?.getRegistration().then((registration) => registration?.update()).catch(() => {});
}
