import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { live, useInterface, useTableValue } from "../../lib/live-app";
import type { Device } from "../../lib/types";
import { pointAt } from "../charts/chart-options";
import { useChartScope } from "../charts/chart-scope";
import { SeriesCharts } from "../charts/series-charts";
import { PORT_CHARTS, REACH_CHARTS } from "../charts/specs";
import { Timeline } from "../timeline/timeline";
import type { Happened } from "../timeline/use-timeline";
import { busiest } from "./busiest";
import { InterfaceTable } from "./interface-table";
import { useInterfaceOrder } from "./interface-table-order";
import { portLatest, reachLatest } from "./latest";
import { NoInterfaces } from "./no-interfaces";

const NO_SERIES = "No series yet. They begin with the second poll of this device.";
const NO_ANSWER = "No round trip yet. It is drawn from the first answer on, to an echo request or over SNMP.";

/** All interfaces, and beside them the charts of the one that is chosen, above those of how the device answers. */
export function InterfacesTab({ device, hasCredential, happened }: { device: Device; hasCredential: boolean; happened: Happened }) {
  const { id } = device;
  const chosen = useSearch({ from: "/_app/devices/$id", select: (search) => search.if });
  const navigate = useNavigate({ from: "/devices/$id" });
  const { range, asTable } = useChartScope();
  const order = useInterfaceOrder(id);
  const phase = useTableValue(live.interfaces(id), (table) => table.phase);
  const port = chosen || busiest(order)?.object || null;
  const choose = useCallback(
    (object: string) => void navigate({ search: (old) => ({ ...old, if: object }), replace: true, resetScroll: false }),
    [navigate],
  );
  const isNone = order.length === 0 && phase === "ready";
  const row = order.find((one) => one.object === port);
  const latest = useInterface(id, port ?? "");
  const ofPort = useMemo(() => portLatest(latest), [latest]);
  const ofReach = useMemo(() => reachLatest(device), [device]);
  const title = row ? `${row.name || row.object}${row.alias ? ` · ${row.alias}` : ""}` : isNone ? "How it answers" : "Interface";
  return (
    <div className="grid grid-cols-[minmax(0,1.3fr)_minmax(0,1fr)] items-start gap-5 max-[1380px]:grid-cols-1">
      {isNone ? <NoInterfaces device={device} hasCredential={hasCredential} /> : <InterfaceTable device={device} chosen={port} onChoose={choose} />}
      <section aria-label="Charts" className="min-w-0 scroll-mt-3" id="charts">
        <h2 className="pb-3 font-semibold wrap-anywhere" data-chart-title>{title}</h2>
        {!isNone && <SeriesCharts device={device} object={port} of={row?.name ?? port ?? ""} charts={PORT_CHARTS} latest={ofPort} none={NO_SERIES} all />}
        <div className={isNone ? "" : "mt-4 border-t border-line pt-4"}>
          <SeriesCharts device={device} object="" of="" charts={REACH_CHARTS} latest={ofReach} none={NO_ANSWER} />
        </div>
        <Timeline device={id} span={range.span} happened={happened} asTable={asTable} onPoint={pointAt} />
      </section>
    </div>
  );
}
