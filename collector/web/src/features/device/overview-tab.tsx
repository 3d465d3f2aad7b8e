import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Device, DeviceDetail } from "../../lib/types";
import { pointAt } from "../charts/chart-options";
import { useChartScope } from "../charts/chart-scope";
import { Line } from "../timeline/timeline";
import { BusyPorts } from "./busy-ports";
import { DeviceFacts } from "./device-facts";
import { HealthTiles } from "./health-tiles";
import { LastChange } from "./last-change";
import { LatestEvents } from "./latest-events";
import { ReachPart } from "./reach-part";
import { StateStrip } from "./state-strip";
import { useWeek } from "./use-week";

interface Props {
  device: Device;
  detail: DeviceDetail;
  onEdit: () => void;
}

/** What an operator wants to know in ten seconds. */
export function OverviewTab({ device, detail, onEdit }: Props) {
  const { range: { span }, events } = useChartScope();
  const week = useWeek(device);
  const inRange = useMemo(() => events, [events]);
  return (
    <div className="grid grid-cols-[minmax(0,1.55fr)_minmax(0,1fr)] items-start gap-4 max-[1100px]:grid-cols-1" data-overview>
      <div className="flex min-w-0 flex-col gap-4">
        <StateStrip device={device} week={week} />
        <ReachPart device={device} detail={detail} onEdit={onEdit} />
        <HealthTiles device={device} missing={detail.missing} />
        {span && inRange.length > 0 && (
          <section aria-label="What happened in the range" className="rounded-lg border border-line bg-surface px-3 py-1">
            <Line items={inRange} span={span} device={device.id} onPoint={pointAt} />
          </section>
        )}
      </div>
      <div className="flex min-w-0 flex-col gap-4">
        <BusyPorts device={device} />
        <LastChange device={device} />
        <LatestEvents device={device} week={week} />
        <DeviceFacts device={device} detail={detail} />
        <Link to="/devices/$id/live" params={{ id: device.id }} className="self-start text-accent hover:underline phone:inline-flex phone:min-h-11 phone:items-center print:hidden">
          Live figures, large: for work on the link
        </Link>
      </div>
    </div>
  );
}
