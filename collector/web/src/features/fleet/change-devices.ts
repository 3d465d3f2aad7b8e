/** Changes many devices and tells it, with the way back: it outlives the panel it was asked for in. */
import { live } from "../../lib/live-app";
import { toast } from "../../lib/toasts";
import { type BulkChange, changeMany, deviceCount } from "./bulk";
import { formerOf, lostWords, type Step, stepsBack } from "./bulk-undo";

/** More names than these are counted, not told. */
const NAMED = 5;

function called(ids: readonly string[]): string {
  const names = ids.slice(0, NAMED).map((id) => live.devices.get(id)?.name ?? id).join(", ");
  return ids.length > NAMED ? `${names} and ${ids.length - NAMED} more` : names;
}

export async function changeDevices(ids: readonly string[], change: BulkChange): Promise<void> {
  const former = await formerOf(ids.flatMap((id) => live.devices.get(id) ?? []), change);
  await changeMany(ids, change);
  live.refreshDevices();
  const steps = stepsBack(change, former);
  const lost = lostWords(change, ids.length);
  toast({ text: `${deviceCount(ids.length)} changed.${lost ? ` ${lost}` : ""}`, ...(steps.length > 0 ? { undo: () => void goBack(steps) } : {}) });
}

async function goBack(steps: readonly Step[]): Promise<void> {
  const failed: string[] = [];
  let why = "";
  for (const { ids, change } of steps) {
    try {
      // One after the other: what fails is known by its devices.
      // oxlint-disable-next-line no-await-in-loop
      await changeMany(ids, change);
    } catch (error) {
      failed.push(...ids);
      why = error instanceof Error ? error.message : String(error);
    }
  }
  live.refreshDevices();
  if (failed.length > 0) toast({ text: `Not as before: ${called(failed)}. ${why}`, isBad: true });
  else toast({ text: "As it was before." });
}
