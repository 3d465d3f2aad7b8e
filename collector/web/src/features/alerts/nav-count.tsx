import { integer } from "../../lib/format";
import { serverNow } from "../../lib/clock";
import { live, useEachSecond, useTableValue } from "../../lib/live-app";
import { isInScope, useScope } from "../../lib/scope";
import { call } from "./call";
import type { Tone } from "./tone";

const LOOK: Readonly<Record<Exclude<Tone, "calm">, string>> = {
  alarm: "bg-danger text-on-danger", warn: "border border-degraded bg-degraded-soft text-degraded", muted: "border border-edge text-muted",
};

const WORD: Readonly<Record<string, string>> = { alarm: "critical", warn: "warning" };

/** Beside the word in the navigation: how many of the worst alerts wait for somebody, in their colour; else, quietly, how many are open. */
export function OpenAlerts({ className = "" }: { className?: string }) {
  const scope = useScope();
  const read = () => {
    const { open, firing, tone, loud } = call(live.alerts.list().filter((alert) => isInScope(scope, alert)), serverNow());
    return `${open} ${firing} ${tone} ${loud}`;
  };
  useTableValue(live.alerts, read);
  // A silence ends without a word of the server.
  const [open = "0", firing = "0", tone = "muted", loud = "0"] = useEachSecond(read).split(" ");
  if (open === "0") return null;
  const isLoud = firing !== "0";
  const worst = WORD[tone];
  const all = `${integer(Number(open))} open, ${integer(Number(firing))} of them firing`;
  return (
    <span data-open-alerts={open} data-firing={firing} data-tone={tone} title={worst ? `${all}, ${integer(Number(loud))} ${worst}` : all}
      className={`inline-flex h-4 min-w-4 items-center justify-center rounded-full px-1 text-2xs font-semibold ${LOOK[tone as keyof typeof LOOK]} ${className}`}>
      {integer(Number(isLoud ? loud : open))}<span className="sr-only"> {worst ?? (isLoud ? "firing" : "open")}</span>
    </span>
  );
}
