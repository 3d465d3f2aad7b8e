import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Aside, TO_PAGE, TO_PAGE_LOOK } from "../../ui/aside";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { Skeleton } from "../../ui/skeleton";
import { AlertActions, StandingLine } from "./alert-head";
import { AboutPart, HistoryPart, ToldPart, WhyPart } from "./alert-parts";
import { NobodyTold } from "./nobody-told";
import { part } from "./part";
import { useCalled } from "./subject";
import type { Acts } from "./use-acts";
import { useAlertDetail } from "./use-alert-detail";
import { summaryOf } from "./standing";

/** An alert beside the list. `children`: of what else it is a part, and what is done with all of that. */
export function AlertPanel({ id, acts, onClose, children }: { id: string; acts: Acts; onClose: () => void; children?: ReactNode }) {
  const { alert, isMissing, error, retry } = useAlertDetail(id);
  const called = useCalled();
  return (
    <Aside of="alert" id={id} onClose={onClose}
      title={<Link to="/alerts/$id" params={{ id }} className="hover:underline">{alert ? summaryOf(alert) : "Alert"}</Link>}
      description={alert && [called(alert), part(alert), alert.rule.name].filter(Boolean).join(" · ")}>
      {isMissing && <Empty title="Not here"><p>It was over before it fired, is no more, or is another tenant's.</p></Empty>}
      {error && !isMissing && <ErrorNote error={error} onRetry={retry} />}
      {!alert && !error && <Skeleton label="Loading the alert" rows={6} />}
      {alert && (
        <>
          <StandingLine alert={alert} />
          <NobodyTold alert={alert} />
          {children}
          <AlertActions alert={alert} acts={acts} isOneOfMany={Boolean(children)} />
          <WhyPart alert={alert} />
          <AboutPart alert={alert} />
          <HistoryPart alert={alert} />
          <ToldPart alert={alert} />
          <Link to="/alerts/$id" params={{ id }} className={TO_PAGE_LOOK}>{TO_PAGE}</Link>
        </>
      )}
    </Aside>
  );
}
