import { setNonce } from "get-nonce";

/** The nonce of this page load. Parts that inject a style element must carry it. */
export function cspNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "";
}

/** Hands the nonce to the scroll lock of our dialogs and selects. */
export function installNonce(): void {
  setNonce(cspNonce());
}
