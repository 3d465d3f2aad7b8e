import { useMemo, useState } from "react";
import { serverNow } from "../../lib/clock";
import { integer, momentTime } from "../../lib/format";
import { isStop, reasonWords } from "../../lib/gap-words";
import { toldNow, useEachSecond } from "../../lib/live-app";
import type { Agent, Losses } from "../../lib/types";
import { type Column, DataTable } from "../../ui/data-table";
import { ErrorNote } from "../../ui/error-note";
import { useCompleteness, useGaps, useLedger } from "./agent-losses";
import { BackfillPart, howOf } from "./backfill-part";
import { completeOf } from "./complete";
import { advice, amountWords, classWords, lengthWords, lostWords, spanTitle, whyWords } from "./ledger-words";
import { type Incident, incidentsOf, sumsOf } from "./losses";
import { RefusedPart } from "./refused-part";

/** More of them unfold: below stand the devices. */
const SHOWN = 5;
const NO_LOSS = "No loss was declared in 7 days.";
const NEWEST = { by: "when", desc: true } as const;

const COLUMNS: readonly Column<Incident>[] = [
  { by: "when", label: "From", title: true, className: "whitespace-nowrap", read: ({ from }) => Date.parse(from), cell: (one) => <When one={one} /> },
  { by: "length", label: "For", figure: true, read: ({ from, to }) => Date.parse(to) - Date.parse(from), cell: lengthWords },
  { by: "what", label: "Of", className: "phone:order-last phone:col-span-2", read: classWords, cell: classWords },
  { by: "count", label: "Lost", figure: true, read: ({ count }) => count, cell: (one) => <span className={one.count > 0 ? "" : "text-muted"}>{lostWords(one)}</span> },
  { by: "why", label: "Why", className: "desk:pl-6 phone:order-last phone:col-span-2", read: whyWords, cell: (one) => <span title={advice(one.reason) ?? undefined}>{whyWords(one)}</span> },
];

function When({ one }: { one: Incident }) {
  return (
    <span className="inline-flex items-center gap-2" title={spanTitle(one)}>
      <span className={`${isStop(one.reason) ? "hatched-stop" : "hatched"} h-2.5 w-4 shrink-0 rounded-sm border border-edge`} aria-hidden="true" />
      <time dateTime={one.from}>{momentTime(one.from, serverNow())}</time>
    </span>
  );
}

const keyOf = ({ key }: Incident) => key;

/** What was promised of its data and how it is kept: what still comes, and each loss with its time, its size and its cause. */
export function AgentLedger({ agent }: { agent: Agent }) {
  const { data, error, refetch } = useLedger(agent.id);
  const gaps = data?.losses.reduce((sum, { ever }) => sum + ever.gaps, 0);
  const isHere = useEachSecond(() => ["well", "behind"].includes(howOf(agent, toldNow())));
  return (
    <section aria-labelledby="ledger" className="@container min-w-0 pt-3 pb-2" data-ledger={gaps}>
      <div className="flex flex-col gap-2 px-4 pb-3 phone:px-3">
        <h2 id="ledger" className="font-semibold">Delivery</h2>
        <BackfillPart agent={agent} hasLost={!!gaps} />
        {isHere && gaps !== undefined && <Counted id={agent.id} gaps={gaps} />}
        {error && !data && <ErrorNote error={error} onRetry={() => void refetch()} />}
        {gaps === 0 && data?.refused.batches === 0 && <Nothing agent={agent} isHere={isHere} />}
        {data && gaps !== 0 && <Sums losses={data.losses} isHere={isHere} />}
      </div>
      {gaps !== undefined && <Gaps id={agent.id} count={gaps} />}
      {data && <RefusedPart id={agent.id} refused={data.refused} />}
    </section>
  );
}

/** Also when it did not run, which is no loss. */
function Gaps({ id, count }: { id: string; count: number }) {
  const [isWhole, setWhole] = useState(false);
  const list = useGaps(id, count);
  const rows = useMemo(() => incidentsOf(list.rows), [list.rows]);
  // How many they are is known of the whole list only: what is counted there are gaps.
  const all = { ...list, rows, total: list.more ? null : rows.length };
  const isFolded = !isWhole && rows.length > SHOWN;
  const shown = isFolded ? { ...all, rows: rows.slice(0, SHOWN), more: () => setWhole(true) } : all;
  if (count === 0 && rows.length === 0) return null;
  return <DataTable label="What is missing" list={shown} columns={COLUMNS} keyOf={keyOf} first={NEWEST} empty={null} />;
}

/** By why, with what to do about it. Of an agent that is away nobody can say that there is none. */
function Sums({ losses, isHere }: { losses: readonly Losses[]; isHere: boolean }) {
  const sums = sumsOf(losses);
  if (sums.length === 0) return isHere && <p data-sums="0">{NO_LOSS}</p>;
  return (
    <ul aria-label="Lost for good, by why" className="grid grid-cols-[minmax(0,1fr)_auto_auto] divide-y divide-line rounded-md border border-line bg-surface @max-[760px]:grid-cols-[auto_1fr] @max-[500px]:grid-cols-1" data-sums={sums.length}>
      {sums.map(({ reason, day, week }) => (
        <li key={reason} className="col-span-full grid grid-cols-subgrid items-baseline gap-x-6 px-3 py-1.5" data-reason={reason}>
          <span className="font-medium @max-[760px]:col-span-full">Lost: {reasonWords(reason)}</span>
          <Amounts name="24 h" words={amountWords(day)} />
          <Amounts name="7 days" words={amountWords(week)} />
          {advice(reason) && <p className="col-span-full text-xs text-muted">{advice(reason)}</p>}
        </li>
      ))}
    </ul>
  );
}

function Amounts({ name, words }: { name: string; words: string }) {
  return <span className="@min-[760px]:text-right desk:whitespace-nowrap"><span className="mr-1.5 text-xs text-muted">{name}</span>{words}</span>;
}

/** Nothing is said of an agent that is away: what it could not keep it tells when it is back. */
function Nothing({ agent: { last_seen_at: seen }, isHere }: { agent: Agent; isHere: boolean }) {
  return (
    <p className="max-w-[620px] text-muted" data-ledger-empty>
      {!seen ? "Nothing has come yet. " : isHere && <span className="text-text">{NO_LOSS} </span>}
      What a full buffer, a power cut or a broken disk takes is hatched in the charts and listed here with its cause. What is
      promised, and what is not, stands in the documentation under «Delivery» (docs/delivery.md).
    </p>
  );
}

/** What is here of the last day. */
function Counted({ id, gaps }: { id: string; gaps: number }) {
  const data = useCompleteness(id, gaps);
  const sum = data && completeOf(data);
  if (!sum) return null;
  return (
    <p data-complete={sum.undeclared}>
      {sum.here} <span className={sum.undeclared > 0 ? "text-degraded" : "text-muted"}>· {integer(sum.undeclared)} missing without explanation</span>
      {sum.rest && <span className="text-muted"> · {sum.rest}</span>}
    </p>
  );
}
