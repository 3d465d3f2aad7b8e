import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, take } from "../../lib/api";
import { counted, integer } from "../../lib/format";
import { useSettled } from "../../lib/use-settled";
import type { RulePreview, RuleThing } from "../../lib/types";
import { ErrorNote } from "../../ui/error-note";
import { part } from "../alerts/part";
import { RULES } from "./rules";
import { isOfAgents, type Tried } from "./draft";
import { PastPart } from "./past-part";
import { figure } from "./units";
import type { Metrics } from "./words";

interface Props {
  tenant: string;
  /** Null: it cannot be tried yet. */
  tried: Tried | null;
  metrics: Metrics;
}

/** What the rule says of what is known now, and what it would have done in the last day. Nothing is kept. */
export function RulePreviewPart({ tenant, tried, metrics }: Props) {
  // As text: what is typed and means the same is no other question.
  const typed = tried ? JSON.stringify({ tenant, ...tried }) : "";
  const text = useSettled(typed);
  const isAsked = text !== "" && tried !== null;
  const { data: answer, error, isFetching } = useQuery({
    queryKey: [...RULES, "preview", text],
    enabled: isAsked,
    queryFn: async () => {
      const body = JSON.parse(text) as { tenant: string } & Tried;
      // With what was asked for: the answer before the next one is of another value.
      return { preview: (await take(api.POST("/api/v1/rules/preview", { body }))).data, asked: body.condition };
    },
    placeholderData: keepPreviousData,
    retry: false,
    // What was asked a moment ago needs no second question.
    staleTime: 30_000,
  });
  if (!isAsked) {
    return (
      <p className="rounded-lg border border-dashed border-edge px-4 py-6 text-muted" data-preview="waiting">
        {tenant ? "Here stands what the rule would say, as soon as it is whole." : "Choose the tenant: then it can be tried."}
      </p>
    );
  }
  const data = answer?.preview;
  const asks = isFetching || text !== typed;
  const unit = answer && "name" in answer.asked ? (metrics.get(answer.asked.name)?.unit ?? null) : null;
  return (
    <div className={`flex flex-col gap-5 ${asks && data ? "opacity-70" : ""}`} data-preview={data && !asks ? "ready" : "asking"} aria-busy={asks}>
      {error && <ErrorNote error={error} />}
      {!data && !error && <p role="status" className="text-muted">Trying…</p>}
      {data && !error && <Now preview={data} unit={unit} what={isOfAgents(answer.asked.kind) ? "agent" : "device"} />}
      {data && !error && <PastPart past={data.past} />}
    </div>
  );
}

/** What the rule makes of a thing: not how the thing is, for what is degraded may be none of its business. */
const LOOKS = [
  { look: "wrong", word: "wrong now", tone: "text-down", note: "It fires once it has been so for as long as the rule says" },
  { look: "between", word: "in between", tone: "text-degraded", note: "Past the clear threshold, and not at the limit: nothing fires and nothing clears" },
  { look: "well", word: "not wrong", tone: "text-up", note: "It is not what the rule calls wrong" },
  { look: "unknown", word: "unknown", tone: "text-unknown", note: "Nobody can tell how it is now" },
] as const;
const LOOK = Object.fromEntries(LOOKS.map((one) => [one.look, one])) as Readonly<Record<RuleThing["look"], (typeof LOOKS)[number]>>;
/** Told also where there are none. */
const ALWAYS: ReadonlySet<RuleThing["look"]> = new Set(["wrong", "well"]);

/** More lines than this help nobody: what is wrong comes first. */
const SHOWN = 12;

function Now({ preview: { counts, in_scope: inScope, looked_at: looked, things }, unit, what }: { preview: RulePreview; unit: string | null; what: string }) {
  const total = LOOKS.reduce((sum, { look }) => sum + counts[look], 0);
  return (
    <section aria-label="Now" className="flex flex-col gap-2">
      <h2 className="font-semibold">Now</h2>
      <p className="text-muted" role="status" data-in-scope={inScope}>
        {inScope === 0 ? "It is for nothing that is there: check the sites, the tags and the kinds." : `The rule is for ${counted(inScope, what)}${looked < inScope ? `, the first ${integer(looked)} looked at` : ""}.`}
      </p>
      <ul className="flex flex-wrap gap-x-5 gap-y-1">
        {LOOKS.filter(({ look }) => ALWAYS.has(look) || counts[look] > 0).map(({ look, word, tone, note }) => (
          <li key={look} data-look-count={look} title={note}><strong className={`text-lg ${counts[look] > 0 ? tone : "text-faint"}`}>{integer(counts[look])}</strong> <span className="text-muted">{word}</span></li>
        ))}
      </ul>
      {counts.between > 0 && <p className="text-xs text-muted">In between: {LOOK.between.note.toLowerCase()}.</p>}
      {things.length > 0 && (
        <table className="w-full border-collapse text-xs" aria-label="What it says now">
          <tbody>
            {things.slice(0, SHOWN).map((thing) => (
              <tr key={`${thing.device ?? thing.agent} ${thing.object}`} className="border-t border-line">
                <td className="py-1 pr-2 wrap-anywhere">{thing.name}{thing.object && <span className="ml-1.5 text-muted" title={thing.object}>{part(thing)}</span>}</td>
                <td className={`px-2 py-1 whitespace-nowrap ${LOOK[thing.look].tone}`} title={LOOK[thing.look].note}>
                  {LOOK[thing.look].word}{thing.state && <span className="text-muted"> ({thing.state})</span>}
                </td>
                <td className="num py-1 pl-2">{thing.state === null && figure(thing.value, unit)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {total > SHOWN && <p className="text-xs text-muted">And {integer(total - Math.min(SHOWN, things.length))} more.</p>}
    </section>
  );
}
