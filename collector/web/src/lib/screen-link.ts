/**
 * The token of a screen's link: `/wall#fws_…`.
 *
 * It stands behind the `#`, which no browser sends anywhere. The page takes it out of the address at
 * once, so that it is neither seen on the wall nor kept in the history.
 */
const PREFIX = "fws_";
const PAGE = "/wall";

let kept: string | null = null;

/** This page is the wall: it asks as the screen that this browser is, and no other page does. */
export function isWall(): boolean {
  return location.pathname === PAGE;
}

/** What requests of this page bear for that. */
export function screenHeaders(): Record<string, string> {
  return isWall() ? { "farwatch-screen": "1" } : {};
}

/** Takes the token out of the address, where there is one. */
export function keepLinkToken(): void {
  if (!isWall() || !location.hash.startsWith(`#${PREFIX}`)) return;
  kept = location.hash.slice(1);
  history.replaceState(history.state, "", PAGE + location.search);
}

/** What was kept, once. */
export function takeLinkToken(): string | null {
  const token = kept;
  kept = null;
  return token;
}

/** The token in what somebody pasted: a whole link, or the token alone. */
export function tokenIn(text: string): string | null {
  const token = text.trim().split("#").at(-1) ?? "";
  return token.startsWith(PREFIX) && !/\s/.test(token) ? token : null;
}

export function screenLink(origin: string, token: string): string {
  return `${origin}${PAGE}#${token}`;
}
