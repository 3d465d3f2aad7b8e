import { integer } from "../../lib/format";
import { serverNow } from "../../lib/clock";
import { live, useEachSecond, useTableValue } from "../../lib/live-app";
import { isInScope, useScope } from "../../lib/scope";
import { firing } from "./filter";

/** How many alerts are open, beside the word in the navigation; loud while one of them fires. */
export function OpenAlerts({ className = "" }: { className?: string }) {
  const scope = useScope();
  const read = () => {
    const open = live.alerts.list().filter((alert) => alert.phase !== "resolved" && isInScope(scope, alert));
    return `${open.length} ${firing(open, serverNow())}`;
  };
  useTableValue(live.alerts, read);
  // A silence ends without a word of the server.
  const [open = 0, loud = 0] = useEachSecond(read).split(" ").map(Number);
  if (open === 0) return null;
  return (
    <span data-open-alerts={open} title={`${integer(open)} open, ${integer(loud)} firing`}
      className={`inline-flex h-4 min-w-4 items-center justify-center rounded-full px-1 text-2xs font-semibold ${
        loud > 0 ? "bg-danger text-on-danger" : "border border-edge text-muted"} ${className}`}>
      {integer(open)}<span className="sr-only"> open</span>
    </span>
  );
}
