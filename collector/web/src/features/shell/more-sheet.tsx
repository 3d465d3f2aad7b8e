import { Link } from "@tanstack/react-router";
import { setTheme, useTheme } from "../../lib/theme";
import { DialogFrame } from "../../ui/dialog-frame";
import { Icon } from "../../ui/icon";
import { REST } from "./nav";

const ENTRY = "flex min-h-12 items-center gap-3 rounded-md px-2 text-base hover:bg-selected aria-[current=page]:text-accent";

/** The pages that have no place at the bottom of a phone. */
export function MoreSheet({ onClose }: { onClose: () => void }) {
  const next = useTheme() === "dark" ? "light" : "dark";
  return (
    <DialogFrame open onOpenChange={(open) => open || onClose()} title="More" description={<span className="sr-only">Other pages</span>}
      className="inset-x-0 bottom-0 max-h-[80dvh] animate-[rise_120ms_ease-out] rounded-t-xl border-t pb-[env(safe-area-inset-bottom)]">
      <nav aria-label="More pages" className="flex flex-col">
        {REST.map(({ to, label, icon }) => (
          <Link key={to} to={to} className={ENTRY} onClick={onClose}><Icon name={icon} size={20} /> {label}</Link>
        ))}
        <Link to="/settings/account" className={ENTRY} onClick={onClose}><Icon name="person" size={20} /> Account</Link>
        <button type="button" className={ENTRY} data-theme-switch onClick={() => setTheme(next)}><Icon name={next === "light" ? "sun" : "moon"} size={20} /> Use the {next} theme</button>
      </nav>
    </DialogFrame>
  );
}
