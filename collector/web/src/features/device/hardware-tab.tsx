import { useMemo } from "react";
import type { Device, DeviceDetail, DeviceObject } from "../../lib/types";
import { step } from "../../lib/grid-keys";
import { causeHint, causeWord, missingWord } from "../../lib/state";
import { useKeys } from "../../lib/use-keys";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { chartable, hardwareOf } from "./hardware-objects";
import { FigureRow, Group, LoadRow, ReadingRow } from "./hardware-rows";
import { LOAD } from "./object-charts";
import { PartTable } from "./part-table";
import { showCharts } from "./show-charts";

/** There were load averages, and since the collector runs nobody told of them. */
const NO_LOAD = { text: missingWord("pending"), cause: "pending", at: null } as const;

interface Props {
  device: Device;
  missing: DeviceDetail["missing"];
  objects: readonly DeviceObject[] | undefined;
  error: Error | null;
  onRetry: () => void;
  /** There are load averages, which are of the device itself. */
  hasLoad: boolean;
  hasCredential: boolean;
  chosen: string | null;
  onChoose: (object: string) => void;
}

export function HardwareTab({ device, missing, objects, error, onRetry, hasLoad, hasCredential, chosen, onChoose }: Props) {
  const all = useMemo(() => hardwareOf(objects ?? []), [objects]);
  const ids = useMemo(() => [...(hasLoad ? [LOAD] : []), ...chartable(all).map(({ object }) => object)], [all, hasLoad]);
  const move = (by: number) => {
    const next = ids[step(chosen ? ids.indexOf(chosen) : -1, by, ids.length)];
    if (next) onChoose(next);
  };
  useKeys({ j: () => move(1), k: () => move(-1) });
  if (error && !objects) return <ErrorNote error={error} onRetry={onRetry} />;
  if (!objects) return <div role="status" aria-label="Loading the hardware" className="min-h-48" />;
  if (ids.length === 0 && all.parts.length === 0) return <NoHardware device={device} missing={missing} hasCredential={hasCredential} />;
  const pick = (object: string) => {
    onChoose(object);
    showCharts();
  };
  const shared = { interval: device.interval_s, chosen, onChoose: pick };
  const loads = [["Processors", all.processors], ["Memory", all.memory], ["Disks", all.storage]] as const;
  return (
    <div className="flex flex-col gap-4">
      {hasLoad && (
        <Group title="Load">
          <FigureRow id={LOAD} name="Average of 1, 5 and 15 min" {...(all.load ?? NO_LOAD)} {...shared} />
        </Group>
      )}
      {loads.map(([title, rows]) => rows.length > 0 && (
        <Group key={title} title={title} count={rows.length}>
          {rows.map((row) => <LoadRow key={row.object.object} row={row} {...shared} />)}
        </Group>
      ))}
      {all.sensors.map(({ metric, title, rows }) => (
        <Group key={metric} title={title} count={rows.length} columns>
          {rows.map((row) => <ReadingRow key={row.object.object} row={row} {...shared} />)}
        </Group>
      ))}
      {all.parts.length > 0 && <PartTable parts={all.parts} />}
      <NotGiven missing={missing} />
    </div>
  );
}

const GROUP: Readonly<Record<string, string>> = { host: "Processors, memory and disks", sensors: "Sensors" };

/** Of the groups that gave nothing so far, why. */
function NotGiven({ missing }: Pick<Props, "missing">) {
  return missing.map(({ group, cause }) => (
    <p key={group} className="text-muted" data-missing={group}>
      {GROUP[group] ?? group}: {causeWord(cause) ?? "not given"}. {causeHint(cause)}
    </p>
  ));
}

/** What keeps it away, and what to do about it. */
function NoHardware({ device, missing, hasCredential }: Pick<Props, "device" | "missing" | "hasCredential">) {
  const isUp = device.snmp_poll?.state === "up";
  return (
    <Empty title={isUp ? "It tells nothing of its hardware" : "Nothing known of its hardware yet"}>
      {!hasCredential && <p>Only SNMP tells of it, and there is no credential to ask with. Give it one by «Edit device».</p>}
      {hasCredential && !isUp && <p>Processors, memory, disks and sensors show here with its first answer over SNMP.</p>}
      {hasCredential && isUp && (
        <p>
          Processors, memory and disks come from HOST-RESOURCES-MIB or UCD-SNMP-MIB, sensors and parts from
          ENTITY-MIB. Check whether the device has them, and whether its credential may read them: many
          devices show only the interfaces until a view is widened.
        </p>
      )}
      {isUp && <NotGiven missing={missing} />}
    </Empty>
  );
}
