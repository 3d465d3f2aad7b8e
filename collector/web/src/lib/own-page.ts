/** Where to go on to, from a link: only a page of our own, and not the one before the app again. */
import * as v from "valibot";

export const FIRST_PAGE = "/";

export const nextSearch = v.object({
  next: v.optional(v.fallback(v.pipe(v.string(), v.regex(/^\/(?![/\\]|login|password)/)), FIRST_PAGE)),
});
