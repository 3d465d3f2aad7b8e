import createClient from "openapi-fetch";
import type { paths } from "../api.gen";
import { screenHeaders } from "./screen-link";
import type { Problem } from "./types";

/** An answer that takes longer is given up, so that nothing waits for ever without a word. */
const ANSWER_MS = 30_000;

export const api = createClient<paths>({
  baseUrl: "/",
  credentials: "same-origin",
  fetch: (request) => {
    for (const [name, value] of Object.entries(screenHeaders())) request.headers.set(name, value);
    return fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(ANSWER_MS)]) });
  },
});

/** A failed request, told in the server's own words (RFC 9457). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;
  /** First message per field of the form that was sent. */
  readonly fields: Readonly<Record<string, string>>;
  readonly retryAfter: number | null;

  constructor(problem: Partial<Problem>, status: number, retryAfter: number | null) {
    super(wrongFields(problem) || problem.detail || problem.title || `The server answered ${status}.`);
    this.name = "ApiError";
    this.status = status;
    this.code = problem.code ?? "unknown";
    this.requestId = problem.request_id ?? null;
    const fields: Record<string, string> = {};
    for (const error of problem.errors ?? []) fields[error.field] ??= error.message;
    this.fields = fields;
    this.retryAfter = retryAfter;
  }
}

/** What is wrong with each field: the `detail` of what is invalid only says that something is. Several lines stay such. */
function wrongFields({ code, errors }: Partial<Problem>): string {
  const said = (code === "invalid" ? (errors ?? []) : []).map(({ message }) => message);
  return said.join(said.some((message) => message.includes("\n")) ? "\n" : " ");
}

/** There is no such thing, or it is another tenant's: an id that is none at all is answered by 400. */
export function isNotHere(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 404 || error.status === 400);
}

/** Nobody answered, or a proxy did in place of the collector. */
export function isAway(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 0 || (error.status >= 502 && error.status <= 504));
}

/** Called on every 401 outside the login form. Set once by the shell. */
let onSignedOut: () => void = () => {};
export function signedOut(): void {
  onSignedOut();
}
export function whenSignedOut(handler: () => void): void {
  onSignedOut = handler;
}

interface Answer<T> {
  data?: T | undefined;
  error?: unknown;
  response: Response;
}

/** Unwraps an answer of the client, or throws `ApiError`. */
export async function take<T>(request: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await request;
  } catch {
    const detail = "The collector cannot be reached. Check the network, then try again.";
    throw new ApiError({ code: "offline", detail }, 0, null);
  }
  const { response } = answer;
  if (response.ok) return answer.data as T;
  if (response.status === 401 && !response.url.endsWith("/login")) onSignedOut();
  const problem = typeof answer.error === "object" && answer.error ? answer.error : {};
  throw new ApiError(problem as Partial<Problem>, response.status, retrySeconds(response));
}

function retrySeconds(response: Response): number | null {
  const seconds = Number(response.headers.get("retry-after"));
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}

interface Page<T> {
  data: T[];
  meta: { next_cursor: string | null };
}

/** Follows the cursor to the end of a list. */
export async function takeAll<T>(
  page: (cursor: string | undefined) => Promise<Page<T>>,
): Promise<T[]> {
  const rows: T[] = [];
  let cursor: string | undefined;
  do {
    // Pages depend on the cursor before them.
    // oxlint-disable-next-line no-await-in-loop
    const answer = await page(cursor);
    rows.push(...answer.data);
    cursor = answer.meta.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return rows;
}

/** The largest page the server gives. */
export const PAGE = 1000;
