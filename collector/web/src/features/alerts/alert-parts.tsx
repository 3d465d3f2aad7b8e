import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense } from "react";
import { serverNow } from "../../lib/clock";
import { dateTime, integer, momentTime, sinceTime } from "../../lib/format";
import { useEachSecond } from "../../lib/live-app";
import { useSites } from "../../lib/use-sites";
import type { Alert, AlertDetail } from "../../lib/types";
import { Age } from "../../ui/age";
import { Fact, Facts } from "../../ui/facts";
import { Part } from "../../ui/part";
import { eventWord, stateWords } from "../notify/delivery-words";
import { useMetricWords } from "../rules/rules";
import { ruleSentence, scopeWords } from "../rules/words";
import { byWords, happenedWord, windowWords } from "./course";
import { CourseBar } from "./course-bar";
import { part } from "./part";
import { LastWrong, Readings } from "./readings";
import { isSilent } from "./standing";
import { lastedWords, valueOf } from "./subject";
import { isForgotten, KEPT_DAYS } from "./unheard";
import { deliveriesQuery } from "./use-alert-detail";
import { useDetail } from "../device/use-detail";

const EvidenceChart = lazy(() => import("./evidence-chart").then((m) => ({ default: m.EvidenceChart })));

const LINK = "text-accent hover:underline phone:inline-flex phone:min-h-11 phone:items-center";

/** What it is about: each leads to its page. */
export function AboutPart({ alert }: { alert: AlertDetail }) {
  const { device, agent, site, tenant, object, ack, silenced_until: until, well_at: well } = alert;
  const value = valueOf(alert);
  const lasted = lastedWords(alert);
  const isQuiet = useEachSecond(() => isSilent(alert, serverNow()));
  return (
    <Facts>
      {device && <Fact name="Device"><Link to="/devices/$id" params={{ id: device.id }} className={LINK}>{device.name}</Link></Fact>}
      {device && <Address id={device.id} />}
      {object && <Fact name="Part"><span className="select-all">{part(alert)}</span>{part(alert) !== object && <span className="ml-2 text-xs text-muted select-all">{object}</span>}</Fact>}
      <Fact name="Agent"><Link to="/agents/$id" params={{ id: agent.id }} className={LINK}>{agent.name}</Link></Fact>
      <Fact name="Site"><Link to="/sites/$id" params={{ id: site.id }} className={LINK}>{site.name}</Link></Fact>
      <Fact name="Tenant">{tenant.name}</Fact>
      {/* Both are of its last turn: what is so now, the charts tell. */}
      <Fact name="Last change"><Age at={alert.last_at} long /></Fact>
      {lasted && <Fact name="Wrong for"><span data-lasted>{lasted}{well && `, well since ${momentTime(well, serverNow())}`}</span></Fact>}
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

/** Where the device is asked; what is gone has none. */
function Address({ id }: { id: string }) {
  const { row, detail } = useDetail(id);
  const address = (row ?? detail)?.address;
  return address ? <Fact name="Address"><span className="select-all">{address}</span></Fact> : null;
}

/** Why it fired: the rule, the window and the readings. `chart`: in place of that of the readings. */
export function WhyPart({ alert, chart }: { alert: AlertDetail; chart?: ReactNode }) {
  const { evidence, rule, tenant } = alert;
  const metrics = useMetricWords();
  const sites = useSites(evidence.scope.sites.length > 0 ? tenant.id : "");
  const siteName = (id: string) => sites?.find((site) => site.id === id)?.name;
  const window = useEachSecond(() => windowWords(alert, serverNow()));
  return (
    <Part title={alert.fired_at ? "Why did this fire?" : "Why is this pending?"}>
      <LastWrong alert={alert} />
      <p data-rule-sentence className="text-muted">
        Rule <Link to="/alerts/rules/$id" params={{ id: rule.id }} className="text-accent underline underline-offset-4">{rule.name}</Link> of{" "}
        {scopeWords(evidence.scope, evidence.condition.kind, siteName)}: {ruleSentence(evidence, metrics)} {window}
      </p>
      <CourseBar alert={alert} />
      <Suspense>{chart ?? <EvidenceChart alert={alert} />}</Suspense>
      <Readings alert={alert} />
    </Part>
  );
}

/** Who did what, the newest first, down to when it began. */
export function HistoryPart({ alert }: { alert: AlertDetail }) {
  return (
    <Part title="History">
      <ol className="flex flex-col gap-1.5" aria-label="History">
        {alert.history.map((one) => (
          <li key={`${one.at} ${one.kind}`} className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3" data-happened={one.kind}>
            <time dateTime={one.at} title={dateTime(one.at)} className="text-muted tabular-nums">{momentTime(one.at, serverNow())}</time>
            <span>
              {happenedWord(one)} {byWords(one)}{one.until && `, until ${sinceTime(one.until, serverNow())}`}
              {one.note && <span className="block whitespace-pre-line text-muted wrap-anywhere">«{one.note}»</span>}
            </span>
          </li>
        ))}
        <li className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3">
          <time dateTime={alert.began_at} title={dateTime(alert.began_at)} className="text-muted tabular-nums">{momentTime(alert.began_at, serverNow())}</time>
          <span>Wrong for the first time</span>
        </li>
      </ol>
    </Part>
  );
}

const TONE = { delivered: "text-up", failed: "text-down", queued: "text-unknown" } as const;

/** Who was told, by which channel, and whether it came there. */
export function ToldPart({ alert }: { alert: Alert }) {
  const { data, error } = useQuery(deliveriesQuery(alert));
  const forgotten = isForgotten(alert, serverNow());
  return (
    <Part title="Who was told">
      {error && <p className="text-muted">Not known: {error.message}</p>}
      {data?.length === 0 && forgotten && <p className="text-muted">Not known any more: it is kept for {integer(KEPT_DAYS)} days.</p>}
      {data?.length === 0 && !forgotten && (
        <p className="text-muted">
          Nobody: no route leads from this alert to a channel, or it is silent.{" "}
          <Link to="/settings/notifications" className="text-accent underline underline-offset-4">Routes and channels</Link>
        </p>
      )}
      {data && data.length > 0 && (
        <ul className="flex flex-col gap-1.5" aria-label="Who was told">
          {data.map((one) => (
            <li key={one.id} className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 phone:items-center" data-delivery={one.state}>
              <time dateTime={one.created_at} title={dateTime(one.created_at)} className="text-muted tabular-nums">{momentTime(one.created_at, serverNow())}</time>
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
