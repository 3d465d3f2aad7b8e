import type { ReactNode } from "react";
import { serverNow } from "../../lib/clock";
import { clockTime } from "../../lib/format";
import { useEachSecond, useLink } from "../../lib/live-app";
import { StateShape } from "../../ui/state-badge";
import { ageWords, type Freshness, freshness } from "./data-age";

const day = new Intl.DateTimeFormat(typeof navigator === "undefined" ? "en" : navigator.language, {
  weekday: "long", day: "numeric", month: "long",
});

const SIGN = { live: "up", connecting: "unknown", late: "degraded", lost: "degraded" } as const satisfies Record<Freshness, string>;

/** What is shown, how old it may be, and what time it is. */
export function WallHead({ title, of, children }: { title: string; of: string; children?: ReactNode }) {
  const time = useEachSecond(() => clockTime(serverNow(), false));
  const date = useEachSecond(() => day.format(serverNow()));
  return (
    <header className="flex shrink-0 items-center gap-[1.2em]">
      <h1 className="flex min-w-0 items-baseline gap-[.8em]">
        <span className="text-[1.5em] font-semibold">{title}</span>{" "}<span className="clip text-muted">{of}</span>
      </h1>
      <span className="flex-1" />
      {children}
      <DataAge />
      <span className="shrink-0 text-right leading-none text-muted portrait:hidden">{date}</span>
      <time className="shrink-0 text-[2.2em] leading-none font-semibold" data-wall-clock>{time}</time>
    </header>
  );
}

/** As large as what is shown: a picture is worth as much as its age. Amber at most: a line that is down is nothing for who looks after routers. */
function DataAge() {
  const words = useLink((status) => ageWords(status, Date.now()));
  const fresh = useLink((status) => freshness(status, Date.now())) as Freshness;
  const isOld = fresh === "late" || fresh === "lost";
  return (
    <span data-wall-age={fresh} role="status"
      className={`flex shrink-0 items-center gap-[.5em] rounded-full text-[1.5em] leading-none font-semibold ${isOld ? "bg-degraded-soft px-[.6em] py-[.2em] text-degraded" : ""}`}>
      <span className="[&>svg]:size-[.7em]"><StateShape state={SIGN[fresh]} /></span>{words}
    </span>
  );
}
