import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { serverNow } from "../../lib/clock";
import { clockOf, dateTime, integer, NONE, sinceTime } from "../../lib/format";
import { useEachSecond } from "../../lib/live-app";
import { useSites } from "../../lib/use-sites";
import type { AlertDetail } from "../../lib/types";
import { Age } from "../../ui/age";
import { Fact, Facts } from "../../ui/facts";
import { Part } from "../../ui/part";
import { eventWord, stateWords } from "../notify/delivery-words";
import { useMetricWords } from "../rules/rules";
import { figure, unitOf } from "../rules/units";
import { ruleSentence, scopeWords } from "../rules/words";
import { byWords, happenedWord, windowWords } from "./course";
import { CourseBar } from "./course-bar";
import { EvidenceChart } from "./evidence-chart";
import { isSilent } from "./standing";
import { valueOf } from "./subject";
import { deliveriesQuery } from "./use-alert-detail";

const LINK = "text-accent hover:underline phone:inline-flex phone:min-h-11 phone:items-center";

/** What it is about: each leads to its page. */
export function AboutPart({ alert }: { alert: AlertDetail }) {
  const { device, agent, site, tenant, object, ack, silenced_until: until } = alert;
  const value = valueOf(alert);
  const isQuiet = useEachSecond(() => isSilent(alert, serverNow()));
  return (
    <Facts>
      {device && <Fact name="Device"><Link to="/devices/$id" params={{ id: device.id }} className={LINK}>{device.name}</Link></Fact>}
      {object && <Fact name="Part"><span className="select-all">{object}</span></Fact>}
      <Fact name="Agent"><Link to="/agents" search={{ agent: agent.id }} className={LINK}>{agent.name}</Link></Fact>
      <Fact name="Site"><Link to="/fleet" search={{ q: site.name, tenant: tenant.id }} className={LINK}>{site.name}</Link></Fact>
      <Fact name="Tenant">{tenant.name}</Fact>
      {/* Both are of its last turn: what is so now, the charts tell. */}
      <Fact name="Last change"><Age at={alert.last_at} long /></Fact>
      {value !== null && (
        <Fact name="Value then">
          {value}{device && <>{" "}· <Link to="/devices/$id" params={{ id: device.id }} className={LINK}>how it is now</Link></>}
        </Fact>
      )}
      {ack && (
        <Fact name="Looked after">
          by {ack.by}, {sinceTime(ack.at, serverNow())}{ack.note && <span className="block whitespace-pre-line text-muted">«{ack.note}»</span>}
        </Fact>
      )}
      {isQuiet && <Fact name="Silent until">{dateTime(until)}</Fact>}
    </Facts>
  );
}

/** Why it fired: the rule, the window and the readings. */
export function WhyPart({ alert }: { alert: AlertDetail }) {
  const { evidence, rule, tenant } = alert;
  const metrics = useMetricWords();
  const sites = useSites(evidence.scope.sites.length > 0 ? tenant.id : "");
  const siteName = (id: string) => sites?.find((site) => site.id === id)?.name;
  const window = useEachSecond(() => windowWords(alert, serverNow()));
  return (
    <Part title={alert.fired_at ? "Why did this fire?" : "Why is this pending?"}>
      <p data-rule-sentence>{ruleSentence(evidence, metrics)}</p>
      <p className="text-muted">
        The rule <Link to="/alerts/rules/$id" params={{ id: rule.id }} className="text-accent underline underline-offset-4">{rule.name}</Link> looks at{" "}
        {scopeWords(evidence.scope, evidence.condition.kind, siteName)}. {window}
      </p>
      <CourseBar alert={alert} />
      <EvidenceChart alert={alert} />
      <Readings alert={alert} />
    </Part>
  );
}

/** A newer server tells the state that was looked at, where the rule is about one. */
type Sample = AlertDetail["evidence"]["samples"][number] & { state?: string | null };

function Readings({ alert: { evidence, unit, fired_at: fired } }: { alert: AlertDetail }) {
  const { condition } = evidence;
  const samples: readonly Sample[] = evidence.samples;
  if (samples.length === 0) return <p className="text-muted">No reading is kept.</p>;
  const shown = "name" in condition ? unitOf(condition.name, unit) : unit;
  const said = ({ value, state }: Sample) => state ?? (value === null ? null : figure(value, shown));
  const count = `${integer(samples.length)} ${samples.length === 1 ? "reading" : "readings"}`;
  // Times alone say nothing: of a state they are told once there is more to them.
  if (samples.every((sample) => said(sample) === null)) return <p className="text-muted">{count} looked at.</p>;
  const tell = clockOf(samples);
  return (
    <details className="group" open={samples.length <= 8}>
      <summary className="flex min-h-8 cursor-pointer items-center text-muted hover:text-text phone:min-h-11">{count}</summary>
      <table className="w-full border-collapse text-xs" aria-label="Readings">
        <thead className="text-muted">
          <tr>
            <th scope="col" className="py-1 pr-2 text-left font-normal">Time</th>
            <th scope="col" className="num px-2 py-1 font-normal">{condition.kind === "metric" ? "Value" : "State"}</th>
            <th scope="col" className="py-1 pl-4 text-left font-normal"><span className="sr-only">When</span></th>
          </tr>
        </thead>
        <tbody>
          {samples.toReversed().map((sample) => (
            <tr key={sample.at} className="border-t border-line">
              <td className="py-0.5 pr-2 whitespace-nowrap" title={dateTime(sample.at)}>{tell(Date.parse(sample.at))}</td>
              <td className="num px-2 py-0.5">{said(sample) ?? NONE}</td>
              <td className="w-full py-0.5 pl-4 text-muted">{fired && Date.parse(sample.at) > Date.parse(fired) ? "after it fired" : ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

/** Who did what, the newest first, down to when it began. */
export function HistoryPart({ alert }: { alert: AlertDetail }) {
  return (
    <Part title="History">
      <ol className="flex flex-col gap-1.5" aria-label="History">
        {alert.history.map((one) => (
          <li key={`${one.at} ${one.kind}`} className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3" data-happened={one.kind}>
            <time dateTime={one.at} title={dateTime(one.at)} className="text-muted">{sinceTime(one.at, serverNow())}</time>
            <span>
              {happenedWord(one)} {byWords(one)}{one.until && `, until ${sinceTime(one.until, serverNow())}`}
              {one.note && <span className="block whitespace-pre-line text-muted wrap-anywhere">«{one.note}»</span>}
            </span>
          </li>
        ))}
        <li className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3">
          <time dateTime={alert.began_at} title={dateTime(alert.began_at)} className="text-muted">{sinceTime(alert.began_at, serverNow())}</time>
          <span>Wrong for the first time</span>
        </li>
      </ol>
    </Part>
  );
}

const TONE = { delivered: "text-up", failed: "text-down", queued: "text-unknown" } as const;

/** Who was told, by which channel, and whether it came there. */
export function ToldPart({ id }: { id: string }) {
  const { data, error } = useQuery(deliveriesQuery(id));
  return (
    <Part title="Who was told">
      {error && <p className="text-muted">Not known: {error.message}</p>}
      {data?.length === 0 && <p className="text-muted">Nobody: no route leads from this alert to a channel, or it is silent.</p>}
      {data && data.length > 0 && (
        <ul className="flex flex-col gap-1.5" aria-label="Who was told">
          {data.map((one) => (
            <li key={one.id} className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 phone:items-center" data-delivery={one.state}>
              <time dateTime={one.created_at} title={dateTime(one.created_at)} className="text-muted">{sinceTime(one.created_at, serverNow())}</time>
              <span className="wrap-anywhere">
                <Link to="/settings/notifications/$id" params={{ id: one.channel.id }} className={LINK}>{one.channel.name}</Link>
                {" "}{eventWord(one.event)}: <span className={TONE[one.state]}>{stateWords(one)}</span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </Part>
  );
}
