import type { Alert } from "../../lib/types";

/** Which part of a device it is about, as people call it: «eth0», «Physical memory»; its key where it has no name. Empty: the device itself. */
export function part({ object, object_name: name }: Pick<Alert, "object" | "object_name">): string {
  return name || object;
}

/** The part, where a line does not say it. A port may be called «1», and stand in «core-1»: lines of parts say «1 of core-1». */
export function untoldPart(alert: Pick<Alert, "object" | "object_name">, line: string): string | null {
  const own = part(alert);
  return own === "" || line.includes(`${own} of `) ? null : own;
}
