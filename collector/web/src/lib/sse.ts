/**
 * Reads one `text/event-stream` body.
 *
 * Not `EventSource`: that hides comment heartbeats, so a dead line and a quiet fleet would look
 * the same, and it hides the status of a refused request (401, 429, 503).
 */
import { screenHeaders } from "./screen-link";

export interface SseEvent {
  id: string;
  type: string;
  data: string;
}

/** Longest line we hold before we give the stream up. */
const MAX_LINE = 8 * 1024 * 1024;

/** The line grammar of server-sent events, without any I/O. */
export class SseParser {
  #rest = "";
  #id = "";
  #type = "";
  #data: string[] = [];

  push(chunk: string): SseEvent[] {
    const events: SseEvent[] = [];
    const text = this.#rest + chunk;
    let start = 0;
    for (;;) {
      const end = text.indexOf("\n", start);
      if (end < 0) break;
      const stop = end > start && text[end - 1] === "\r" ? end - 1 : end;
      const event = this.#line(text.slice(start, stop));
      if (event) events.push(event);
      start = end + 1;
    }
    this.#rest = text.slice(start);
    if (this.#rest.length > MAX_LINE) throw new Error("event stream line too long");
    return events;
  }

  #line(line: string): SseEvent | null {
    if (line === "") {
      const event = this.#data.length
        ? { id: this.#id, type: this.#type || "message", data: this.#data.join("\n") }
        : null;
      this.#type = "";
      this.#data = [];
      return event;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return null;
    const field = colon < 0 ? line : line.slice(0, colon);
    const raw = colon < 0 ? "" : line.slice(colon + 1);
    const value = raw.startsWith(" ") ? raw.slice(1) : raw;
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#type = value;
    else if (field === "id") this.#id = value;
    return null;
  }
}

export interface SseHandlers {
  /** Bytes came, be it an event or a heartbeat. */
  onHeard: () => void;
  onEvent: (event: SseEvent) => void;
}

export class SseRefused extends Error {
  readonly status: number;
  readonly retryAfter: number | null;
  constructor(status: number, retryAfter: number | null) {
    super(`event stream refused with ${status}`);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Runs until the stream ends, the signal aborts or the server refuses (`SseRefused`). */
export async function readStream(
  url: string,
  handlers: SseHandlers,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetch(url, {
    headers: { accept: "text/event-stream", ...screenHeaders() },
    cache: "no-store",
    credentials: "same-origin",
    signal,
  });
  if (!response.ok || !response.body) {
    const seconds = Number(response.headers.get("retry-after"));
    throw new SseRefused(response.status, seconds > 0 ? seconds : null);
  }
  handlers.onHeard();
  const parser = new SseParser();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- a stream is read in order
    const { value, done } = await reader.read();
    if (done) return;
    handlers.onHeard();
    for (const event of parser.push(value)) handlers.onEvent(event);
  }
}
