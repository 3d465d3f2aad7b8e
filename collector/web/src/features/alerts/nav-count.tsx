import { integer } from "../../lib/format";
import { serverNow } from "../../lib/clock";
import { live, useEachSecond, useTableValue } from "../../lib/live-app";
import { isInScope, useScope } from "../../lib/scope";
import { call } from "./call";
import type { Tone } from "./tone";

const LOOK: Readonly<Record<Exclude<Tone, "calm">, string>> = {
  alarm: "bg-danger text-on-danger", warn: "border border-degraded bg-degraded-soft text-degraded", muted: "border border-edge text-muted",
};

/** Beside the word in the navigation: how many alerts wait for somebody, in the colour of the worst; else, quietly, how many are open. */
export function OpenAlerts({ className = "" }: { className?: string }) {
  const scope = useScope();
  const read = () => {
    const { open, firing, tone } = call(live.alerts.list().filter((alert) => isInScope(scope, alert)), serverNow());
    return `${open} ${firing} ${tone}`;
  };
  useTableValue(live.alerts, read);
  // A silence ends without a word of the server.
  const [open = "0", firing = "0", tone = "muted"] = useEachSecond(read).split(" ");
  if (open === "0") return null;
  const isLoud = firing !== "0";
  return (
    <span data-open-alerts={open} data-firing={firing} data-tone={tone} title={`${integer(Number(open))} open, ${integer(Number(firing))} of them firing`}
      className={`inline-flex h-4 min-w-4 items-center justify-center rounded-full px-1 text-2xs font-semibold ${LOOK[tone as keyof typeof LOOK]} ${className}`}>
      {integer(Number(isLoud ? firing : open))}<span className="sr-only"> {isLoud ? "firing" : "open"}</span>
    </span>
  );
}
