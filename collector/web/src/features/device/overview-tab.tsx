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
  return (
    <div className="grid grid-cols-[minmax(0,1.55fr)_minmax(0,1fr)] items-start gap-4 max-[1100px]:grid-cols-1" data-overview>
      <div className="flex min-w-0 flex-col gap-4">
        <StateStrip device={device} week={week} />
        <ReachPart device={device} detail={detail} onEdit={onEdit} />
        <HealthTiles device={device} missing={detail.missing} />
        <LatestEvents device={device} week={week}>
          {span && events.length > 0 && (
            <div role="group" aria-label="In the range of the charts"><Line items={events} span={span} device={device.id} onPoint={pointAt} /></div>
          )}
        </LatestEvents>
      </div>
      <div className="flex min-w-0 flex-col gap-4">
        <BusyPorts device={device} />
        <LastChange device={device} />
        <DeviceFacts device={device} detail={detail} />
      </div>
    </div>
  );
}
