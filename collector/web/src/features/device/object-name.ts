/** How a processor, disk, sensor or part is called. */
import type { DeviceObject } from "../../lib/types";

/** «fixed_disk» as «fixed disk». */
export function kindWord(kind: string): string {
  return kind.replaceAll("_", " ");
}

export function objectName({ name, kind, description, object }: DeviceObject): string {
  if (name || description || !kind) return name || description || object;
  const word = kindWord(kind);
  // What is not a number is a way of reading it, not one of several.
  const number = /:(\d+)$/.exec(object)?.[1] ?? "";
  return `${word[0]?.toUpperCase()}${word.slice(1)} ${number}`.trim();
}
