import { Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useMemo } from "react";
import { useAlert } from "../../lib/live-app";
import { useMayIn } from "../../lib/role";
import type { AlertDetail } from "../../lib/types";
import { useCommands } from "../../lib/use-commands";
import { useOwner } from "../../lib/use-owner";
import { useTitle } from "../../lib/use-title";
import { ErrorNote } from "../../ui/error-note";
import { Icon } from "../../ui/icon";
import { Skeleton } from "../../ui/skeleton";
import { NotFound } from "../shell/lost";
import { PrintFoot } from "../shell/print-foot";
import { alertCharts } from "./alert-charts";
import { AlertActions, StandingLine } from "./alert-head";
import { AboutPart, HistoryPart, ToldPart, WhyPart } from "./alert-parts";
import { wayBack } from "./came-from";
import { NobodyTold } from "./nobody-told";
import { part } from "./part";
import { useCalled } from "./subject";
import { useActs } from "./use-acts";
import { useAlertDetail } from "./use-alert-detail";
import { summaryOf } from "./standing";

const DeviceChart = lazy(() => import("./device-chart").then((m) => ({ default: m.DeviceChart })));
const ActDialog = lazy(() => import("./act-dialog").then((m) => ({ default: m.ActDialog })));

/** One alert on a page of its own: a link to it can be given to somebody. */
export function AlertPage({ id }: { id: string }) {
  const navigate = useNavigate({ from: "/alerts/$id" });
  const { alert: detail, isMissing, error, retry } = useAlertDetail(id);
  // While the collector is away, what the list knows of it is enough to act on it.
  const row = useAlert(id);
  const alert = detail ?? row;
  const acts = useActs();
  const back = wayBack();
  const mayIn = useMayIn();
  const called = useCalled();
  useTitle(alert ? summaryOf(alert) : null, true);
  useOwner(alert?.tenant.id);
  const isOpen = alert !== undefined && alert.phase !== "resolved" && mayIn(alert.tenant.id).write;
  useCommands({
    "go.back": () => void navigate({ to: back.to, search: back.search }),
    ...(isOpen ? {
      "alert.ack": () => acts.ask("ack", [alert]), "alert.silence": () => acts.ask("silence", [alert]), "alert.undo": () => acts.undo([alert]),
    } : {}),
  });
  if (isMissing) return <NotFound />;
  if (error && !alert) return <ErrorNote error={error} className="m-4" onRetry={retry} />;
  if (!alert) return <Skeleton label="Loading the alert" />;
  return (
    <div className="flex min-h-full flex-col">
      <div className="flex flex-col gap-2 border-b border-line px-4 pt-2 pb-3 phone:px-3">
        <Link to={back.to} search={back.search} className="inline-flex min-h-6 items-center gap-1 self-start text-muted hover:text-text phone:min-h-11">
          <Icon name="back" size={14} /> {back.label}
        </Link>
        <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2">
          <div className="min-w-0">
            <h1 className="text-xl font-semibold wrap-anywhere">{summaryOf(alert)}</h1>
            <p className="text-muted wrap-anywhere">{[called(alert), part(alert), alert.rule.name].filter(Boolean).join(" · ")}</p>
          </div>
          <div className="phone:w-full"><AlertActions alert={alert} acts={acts} /></div>
        </div>
        <StandingLine alert={alert} />
        <NobodyTold alert={alert} />
      </div>
      {error && <ErrorNote error={error} className="m-4 phone:m-3" onRetry={retry} />}
      {detail ? <Parts alert={detail} /> : !error && <Skeleton label="Loading the alert" />}
      <PrintFoot />
      <Suspense>{acts.asked && <ActDialog acts={acts} />}</Suspense>
    </div>
  );
}

function Parts({ alert }: { alert: AlertDetail }) {
  // What an alert is about does not change.
  // oxlint-disable-next-line react/exhaustive-deps
  const charts = useMemo(() => alertCharts(alert), [alert.id]);
  return (
    <div className="grid max-w-[1440px] grid-cols-[minmax(0,1.6fr)_minmax(0,1fr)] items-start gap-x-10 gap-y-6 p-4 max-[1000px]:grid-cols-1 phone:p-3">
      <WhyPart alert={alert} chart={charts && alert.device && <DeviceChart key={alert.phase} alert={alert} charts={charts} deviceId={alert.device.id} />} />
      <div className="flex flex-col gap-6">
        <AboutPart alert={alert} />
        <HistoryPart alert={alert} />
        <ToldPart alert={alert} />
      </div>
    </div>
  );
}
