/** A short quiet tone for what is new and critical. Browsers play none before somebody touched the page. */
const KEY = "farwatch.wall-sound";
const VOLUME = 0.08;
/** Two notes, a fourth apart: when, how high, how long. */
const NOTES = [[0, 587.3, 0.18], [0.2, 784, 0.3]] as const;

let context: AudioContext | null = null;

export function isSoundWanted(): boolean {
  try {
    return localStorage.getItem(KEY) === "on";
  } catch {
    return false;
  }
}

export function wantSound(on: boolean): void {
  try {
    localStorage.setItem(KEY, on ? "on" : "off");
  } catch {
    // Storage is closed to us; the choice lasts as long as the page.
  }
}

/** Makes ready; true once the browser lets it be heard. */
export async function readySound(): Promise<boolean> {
  if (typeof AudioContext !== "function") return false;
  context ??= new AudioContext();
  // Without a touch this waits for one, and may never come back.
  if (context.state === "suspended") void context.resume().catch(() => {});
  await Promise.resolve();
  return context.state === "running";
}

export function isSoundReady(): boolean {
  return context?.state === "running";
}

export function playTone(): void {
  if (!context || context.state !== "running") return;
  for (const [after, hertz, length] of NOTES) {
    const [note, volume, at] = [context.createOscillator(), context.createGain(), context.currentTime + after];
    note.frequency.value = hertz;
    // Rises and falls softly: a hard edge is heard as a click.
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(VOLUME, at + 0.03);
    volume.gain.linearRampToValueAtTime(0, at + length);
    note.connect(volume).connect(context.destination);
    note.start(at);
    note.stop(at + length);
  }
}

/** True where one of these was not among the ones before. What was there when the page was opened is not new. */
export function hasNew(before: ReadonlySet<string> | null, now: Iterable<string>): boolean {
  if (!before) return false;
  for (const id of now) if (!before.has(id)) return true;
  return false;
}
