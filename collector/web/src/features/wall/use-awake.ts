import { useEffect } from "react";

/** Keeps the screen from going dark, where the browser can; the lock is lost each time the page is hidden. */
export function useAwake(): void {
  useEffect(() => {
    let lock: WakeLockSentinel | null = null;
    let isOver = false;
    const take = async () => {
      if (document.visibilityState === "hidden" || !("wakeLock" in navigator)) return;
      // Refused where power is short: the screen's own settings count then.
      const got = await navigator.wakeLock.request("screen").catch(() => null);
      if (isOver) void got?.release();
      else lock = got;
    };
    const onShown = () => void take();
    onShown();
    document.addEventListener("visibilitychange", onShown);
    return () => {
      isOver = true;
      document.removeEventListener("visibilitychange", onShown);
      void lock?.release();
    };
  }, []);
}
