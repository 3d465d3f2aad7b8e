/** How a processor, disk, sensor or part is called. */
import type { DeviceObject } from "../../lib/types";

/** «fixed_disk» as «fixed disk». */
export function kindWord(kind: string): string {
  return kind.replaceAll("_", " ");
}

export function objectName({ name, kind, description, object }: DeviceObject): string {
  return name || description || (kind ? `${kindWord(kind)} ${object.split(":")[1] ?? ""}`.trim() : object);
}
