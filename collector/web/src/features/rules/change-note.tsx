import { Link } from "@tanstack/react-router";
import type { Rule } from "../../lib/types";
import { changeWords, useOpenOf } from "./open-of";

/** Above the buttons, once something is typed: what saving does to the open alerts of the rule. */
export function ChangeNote({ rule }: { rule: Rule }) {
  const open = useOpenOf(rule.id);
  return (
    <p role="note" data-change-warning={open ?? "unknown"}
      className={`sticky bottom-15 z-2 rounded-md border px-3 py-2 ${open !== 0 ? "border-degraded bg-raised" : "border-line bg-bg text-muted"}`}>
      {changeWords(open)}{" "}
      {open !== null && open > 0 && <Link to="/alerts" search={{ rule: rule.id }} className="text-accent underline underline-offset-4">Look at them</Link>}
    </p>
  );
}
