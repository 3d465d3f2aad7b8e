import { Link } from "@tanstack/react-router";
import type { Rule } from "../../lib/types";
import { Icon } from "../../ui/icon";
import { changeWords, useOpenOf } from "./open-of";

/** In sight above the buttons once something is typed: which open alerts saving ends. */
export function ChangeNote({ rule }: { rule: Rule }) {
  const open = useOpenOf(rule.id);
  const words = changeWords(open);
  if (!words) return null;
  return (
    <p role="note" data-change-warning={open ?? "unknown"} className="sticky bottom-14 z-2 -mb-4 flex items-center gap-2 border-t border-line bg-bg pt-2 pb-1 phone:bottom-17">
      <span className="text-degraded"><Icon name="warn" size={14} /></span>
      <span>{words} {open !== null && <Link to="/alerts" search={{ rule: rule.id }} className="text-accent underline underline-offset-4">Look at them</Link>}</span>
    </p>
  );
}
