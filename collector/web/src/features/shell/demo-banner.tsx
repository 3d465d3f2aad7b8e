import { useState } from "react";
import { IconButton } from "../../ui/button";
import { Icon } from "../../ui/icon";

const KEY = "farwatch.demo-seen";

function wasSeen(): boolean {
  try {
    return sessionStorage.getItem(KEY) === "yes";
  } catch {
    return false;
  }
}

/** Nobody shall take simulated routers for their own. Goes by a click, for as long as the tab is open. */
export function DemoBanner() {
  const [seen, setSeen] = useState(wasSeen);
  if (seen) return null;
  const close = () => {
    try {
      sessionStorage.setItem(KEY, "yes");
    } catch {
      // Storage is closed to us; it goes for as long as the page is open.
    }
    setSeen(true);
  };
  return (
    <p data-demo-banner className="flex shrink-0 items-center gap-2 border-b border-line bg-surface px-4 text-xs text-muted phone:px-3">
      <span className="min-w-0 flex-1 py-1.5 wrap-anywhere">
        <strong className="font-medium text-text">Demo data:</strong> these routers are simulated.{" "}
        <code className="font-mono whitespace-nowrap">./x demo --remove</code> takes it away.
      </span>
      <IconButton label="Hide this for now" className="-mr-2 h-7! phone:h-11!" onClick={close}><Icon name="close" size={13} /></IconButton>
    </p>
  );
}
