import type { Alert } from "../../lib/types";

/** Which part of a device it is about, as people call it: «eth0», «Physical memory»; its key where it has no name. Empty: the device itself. */
export function part({ object, object_name: name }: Pick<Alert, "object" | "object_name">): string {
  return name || object;
}
