import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useEffect } from "react";
import { integer } from "../../lib/format";
import { live } from "../../lib/live-app";
import { useMay } from "../../lib/role";
import { useBeside } from "../../lib/use-beside";
import { useCommands } from "../../lib/use-commands";
import { usePhone } from "../../lib/use-phone";
import { useRowKeys } from "../../lib/use-row-keys";
import { useTitle } from "../../lib/use-title";
import { cameFromNow } from "../alerts/came-from";
import { useActs } from "../alerts/use-acts";
import { TableError } from "../shell/table-error";
import { Figures } from "./figures";
import { HealthPart } from "./health-part";
import { IncidentList } from "./incident-list";
import { lastNow, rememberNow } from "./last-now";
import { Lines } from "./now-part";
import { TroublePart } from "./trouble-part";
import { UnknownPart } from "./unknown-part";
import { useNow } from "./use-now";

// Not part of the first load: what is wrong comes first.
const ActDialog = lazy(() => import("../alerts/act-dialog").then((m) => ({ default: m.ActDialog })));
const FirstSteps = lazy(() => import("./first-steps").then((m) => ({ default: m.FirstSteps })));
const OverPart = lazy(() => import("./over-part").then((m) => ({ default: m.OverPart })));
const IncidentPanel = lazy(() => import("./incident-panel").then((m) => ({ default: m.IncidentPanel })));

const route = getRouteApi("/_app/");

/** What needs somebody now, of all tenants at once: incidents by their root, then what is not known, then where. */
export function NowPage() {
  const now = useNow();
  const { isKnown, ids, incidents, firing } = now;
  const { open } = route.useSearch();
  const navigate = useNavigate({ from: "/" });
  const phone = usePhone();
  const may = useMay();
  const acts = useActs();
  const setOpen = (id: string | undefined) => void navigate({ search: (old) => ({ ...old, open: id }), replace: true });
  const beside = useBeside({
    first: lastNow().chosen, open, setOpen,
    toPage: (root) => {
      const lead = incidents.get(root)?.lead.id;
      if (lead) void navigate({ to: "/alerts/$id", params: { id: lead } });
    },
  });
  const { chosen } = beside;
  useEffect(() => rememberNow({ chosen }), [chosen]);
  useEffect(() => cameFromNow({ open }), [open]);
  useTitle(`${firing > 0 ? `(${integer(firing)}) ` : ""}Now`);
  useRowKeys(ids, beside);
  const targets = () => (chosen ? (incidents.get(chosen)?.alerts ?? []) : []).flatMap(({ id }) => live.alerts.get(id) ?? []);
  const ask = (act: "ack" | "silence") => acts.ask(act, targets().filter(({ phase }) => phase !== "resolved"));
  const canSay = may.write && chosen !== null && incidents.has(chosen);
  useCommands({
    "go.back": () => void beside.back(),
    "alert.ack": canSay && (() => ask("ack")),
    "alert.silence": canSay && (() => ask("silence")),
    "alert.undo": canSay && (() => acts.undo(targets())),
  });
  const isBeside = open !== undefined && !phone;
  return (
    <div className="flex h-full">
      <div className="min-w-0 flex-1 overflow-y-auto">
        <h1 className="sr-only">Now</h1>
        {[live.devices, live.agents, live.alerts].map((table, at) => (
          // There are always these three.
          // oxlint-disable-next-line react/no-array-index-key
          <TableError key={at} table={table as typeof live.devices} className="mx-4 mt-3 phone:mx-3" />
        ))}
        {isKnown && now.devices === 0 ? <Suspense><FirstSteps agents={now.agents} /></Suspense> : (
          // While one is open beside, the rail stands below: the list does not move.
          <div className={`grid min-h-full ${isBeside ? "content-start" : "grid-cols-[minmax(0,1fr)_440px] max-[1100px]:grid-cols-1 max-[1100px]:content-start"}`}>
            <div className="flex min-w-0 flex-col">
              <Figures now={now} />
              <IncidentList now={now} beside={beside} />
              <UnknownPart now={now} />
              <Suspense fallback={<Lines count={2} label="Loading what is over" />}><OverPart /></Suspense>
            </div>
            <div className={`flex min-w-0 flex-col ${isBeside ? "border-t border-line" : "border-l border-line max-[1100px]:border-t max-[1100px]:border-l-0"}`}>
              <TroublePart now={now} />
              <HealthPart now={now} />
            </div>
          </div>
        )}
      </div>
      <Suspense>{isBeside && <IncidentPanel key={open} root={open} incident={incidents.get(open)} acts={acts} onAsk={ask} onClose={() => setOpen(undefined)} />}</Suspense>
      <Suspense>{acts.asked && <ActDialog acts={acts} />}</Suspense>
    </div>
  );
}
