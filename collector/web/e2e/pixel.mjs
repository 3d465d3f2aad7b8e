// How long after the commit in the store a cell shows the value. The page's own stream is not
// touched: a second one, opened here, tells when each sample was committed.

/** Runs in the page: returns latencies in ms of rows in view, measured in the frame that paints. */
async function measure({ samples, timeout }) {
  const committed = new Map();
  const shown = new Map();
  const latencies = [];
  let skew = 0;
  const finish = Promise.withResolvers();
  const match = (key) => {
    const at = committed.get(key);
    const painted = shown.get(key);
    if (at === undefined || painted === undefined) return;
    committed.delete(key);
    shown.delete(key);
    latencies.push(painted - at);
    if (latencies.length >= samples) finish.resolve();
  };
  const source = new EventSource("/api/v1/events");
  source.addEventListener("hello", (event) => {
    skew = Date.parse(JSON.parse(event.data).server_time) - Date.now();
    // On one machine the clocks agree; what is left is the way of the message.
    if (Math.abs(skew) < 1000) skew = 0;
  });
  source.addEventListener("devices", (event) => {
    const { patches, committed_at } = JSON.parse(event.data);
    for (const patch of patches) {
      if (!patch.last_sample_at || !committed_at) continue;
      const key = `${patch.id} ${patch.last_sample_at}`;
      committed.set(key, Date.parse(committed_at));
      match(key);
    }
  });
  const observer = new MutationObserver((changes) => {
    const keys = new Set(changes.map(({ target }) =>
      `${target.getAttribute("data-device")} ${target.getAttribute("data-sample-at")}`));
    // Changes made in a frame callback are painted at its end; the channel runs right after.
    const after = new MessageChannel();
    after.port1.addEventListener("message", () => {
      const now = Date.now() + skew;
      for (const key of keys) {
        shown.set(key, now);
        match(key);
      }
    });
    after.port1.start();
    after.port2.postMessage(null);
  });
  observer.observe(document.querySelector("[role=grid]"), {
    subtree: true, attributes: true, attributeFilter: ["data-sample-at"],
  });
  setTimeout(finish.resolve, timeout);
  await finish.promise;
  observer.disconnect();
  source.close();
  return latencies;
}

export async function commitToPixel(page, { samples, timeout }) {
  const latencies = await page.evaluate(measure, { samples, timeout });
  if (latencies.length === 0) throw new Error("no sample reached the page in time");
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))];
  return { samples: latencies.length, p50: at(0.5), p95: at(0.95), max: latencies.at(-1) };
}
