import { megabits, NONE } from "../../lib/format";
import { live, useInterface, useTableValue, useWatchedInterfaces } from "../../lib/live-app";
import type { Interface } from "../../lib/types";
import { useSettled } from "../../lib/use-settled";
import { useSnapshot } from "../../lib/use-snapshot";
import { Part } from "../../ui/part";
import { StateShape } from "../../ui/state-badge";
import { busiestPorts } from "../device/busiest";

/** More of them are for the device's page. */
const SHOWN = 5;

const still = () => 0;
const mostOf = (ports: readonly Interface[]) => busiestPorts(ports, SHOWN);

/** The ports that carry most, live. `isKnown`: what was told of them still holds. */
export function BusiestPorts({ device, isKnown }: { device: string; isKnown: boolean }) {
  // Keys run through the list: ports are asked for where they rest.
  const settled = useSettled(device);
  useWatchedInterfaces(settled, isKnown);
  const table = live.interfaces(settled);
  const ports = useSnapshot(table, still, mostOf);
  const isReady = useTableValue(table, ({ phase }) => phase === "ready") && settled === device;
  if (!isKnown || (isReady && ports.length === 0)) return null;
  return (
    <Part title="Busiest ports">
      {isReady ? (
        <table className="w-full border-collapse" data-busiest>
          <thead className="text-left text-xs text-muted">
            <tr><th className="font-normal">Port</th><th className="num font-normal">In Mb/s</th><th className="num font-normal">Out Mb/s</th></tr>
          </thead>
          <tbody>{ports.map(({ object }) => <Port key={object} device={device} object={object} />)}</tbody>
        </table>
      ) : <div className="h-40" role="status" aria-label="Loading the ports" />}
    </Part>
  );
}

function Port({ device, object }: { device: string; object: string }) {
  const port = useInterface(device, object);
  if (!port) return null;
  return (
    <tr className="h-7 border-t border-line">
      <td className="max-w-0 pr-3">
        <span className="flex min-w-0 items-center gap-2">
          <StateShape state={port.state} size={10} />
          <span className="clip" title={port.alias || undefined}>{port.name || port.description || object}{port.alias && <span className="ml-2 text-muted">{port.alias}</span>}</span>
        </span>
      </td>
      <td className="num w-20">{port.in_bps === null ? NONE : megabits(port.in_bps)}</td>
      <td className="num w-20">{port.out_bps === null ? NONE : megabits(port.out_bps)}</td>
    </tr>
  );
}
