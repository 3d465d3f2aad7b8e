import { Link } from "@tanstack/react-router";
import { IconButton } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { Icon } from "../../ui/icon";
import { Skeleton } from "../../ui/skeleton";
import { AlertActions, StandingLine } from "./alert-head";
import { AboutPart, HistoryPart, ToldPart, WhyPart } from "./alert-parts";
import { useCalled } from "./subject";
import type { Acts } from "./use-acts";
import { useAlertDetail } from "./use-alert-detail";

/** An alert beside the list: it is no dialog, so that the keys of the list go on working. */
export function AlertPanel({ id, acts, onClose }: { id: string; acts: Acts; onClose: () => void }) {
  const { alert, isMissing, error, retry } = useAlertDetail(id);
  const called = useCalled();
  return (
    <aside aria-label="The chosen alert" className="flex w-[min(440px,46vw)] shrink-0 flex-col border-l border-edge bg-raised" data-alert-panel={id}>
      <header className="flex items-start justify-between gap-4 border-b border-line px-5 pt-3 pb-2">
        <div className="min-w-0">
          <h2 className="text-lg font-semibold wrap-anywhere">{alert?.summary ?? "Alert"}</h2>
          <p className="text-muted wrap-anywhere">{alert && `${called(alert)}${alert.object && ` · ${alert.object}`} · ${alert.rule.name}`}</p>
        </div>
        <IconButton label="Close (Esc)" className="-mr-2" onClick={onClose}><Icon name="close" /></IconButton>
      </header>
      <div className="flex min-h-0 flex-1 flex-col gap-5 overflow-y-auto px-5 py-4">
        {isMissing && <Empty title="Not here"><p>It was over before it fired, is no more, or is another tenant's.</p></Empty>}
        {error && !isMissing && <ErrorNote error={error} onRetry={retry} />}
        {!alert && !error && <Skeleton label="Loading the alert" rows={6} />}
        {alert && (
          <>
            <StandingLine alert={alert} />
            <AlertActions alert={alert} acts={acts} />
            <WhyPart alert={alert} />
            <AboutPart alert={alert} />
            <HistoryPart alert={alert} />
            <ToldPart id={id} />
            <Link to="/alerts/$id" params={{ id }} className="text-accent underline underline-offset-4">Open its page (Enter)</Link>
          </>
        )}
      </div>
    </aside>
  );
}
