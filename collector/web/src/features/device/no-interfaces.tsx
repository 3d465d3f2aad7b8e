import type { ShownCause } from "../../lib/state";
import type { Device } from "../../lib/types";
import { Empty } from "../../ui/empty";
import { useShown } from "../fleet/fleet-row";

/** When the first answer is to be expected, by what keeps it away. */
const FIRST_ANSWER: Partial<Record<ShownCause, string>> = {
  pending: "The first poll reads the interface table; it is due within one interval.",
  agent_unseen: "The agent of the device has never connected. The first poll follows when it connects.",
  agent_offline: "The agent of the device is not connected. The interfaces show here with the first answer that it sends.",
  agent_revoked: "The agent of the device is revoked. Its interfaces show here when another agent asks it.",
};
const NOT_ANSWERED = "The device has not answered over SNMP yet. Its interfaces show here with its first answer.";
const NOT_ASKED =
  "Only SNMP tells of interfaces, and there is no credential to ask with. Until there is one, the device is watched by echo requests alone.";

/** Why there is no interface, and what to do about it. */
export function NoInterfaces({ device, hasCredential }: { device: Device; hasCredential: boolean }) {
  const [state, cause] = useShown(device);
  if (!hasCredential) return <Empty title="No interfaces"><p>{NOT_ASKED}</p></Empty>;
  if (device.snmp_poll?.state === "up") {
    return (
      <Empty title="No interfaces">
        <p>The device answers, but gave no interface table. Check what its credential may read.</p>
      </Empty>
    );
  }
  return (
    <Empty title="No interfaces yet">
      <p>{(state === "unknown" && cause && FIRST_ANSWER[cause]) || NOT_ANSWERED}</p>
    </Empty>
  );
}
