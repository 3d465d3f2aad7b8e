/** Server time as the browser knows it, and one shared second hand for every age on the page. */
let skewMs = 0;

export function setServerTime(serverMs: number, localMs: number): void {
  if (Number.isFinite(serverMs)) skewMs = serverMs - localMs;
}

export function serverNow(): number {
  return Date.now() + skewMs;
}

type Listener = () => void;
const listeners = new Set<Listener>();
let timer: ReturnType<typeof setInterval> | undefined;
let second = 0;

function tick(): void {
  // A hidden page reads no clock; it catches up when it is shown.
  if (document.visibilityState === "hidden") return;
  second = Math.floor(serverNow() / 1000);
  for (const listener of listeners) listener();
}

export function subscribeSecond(listener: Listener): () => void {
  listeners.add(listener);
  timer ??= setInterval(tick, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** Seconds of server time, rising once a second. */
export function currentSecond(): number {
  return (second ||= Math.floor(serverNow() / 1000));
}
