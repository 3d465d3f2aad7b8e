/**
 * The one-time password that somebody has just signed in with, for the page that asks for their own.
 *
 * In the memory of this tab alone, from the sign-in to that page, which takes it: a page that is
 * loaded anew asks for it.
 */
let kept: string | null = null;

export function keepOneTime(password: string | null): void {
  kept = password;
}

export function keptOneTime(): string | null {
  return kept;
}
