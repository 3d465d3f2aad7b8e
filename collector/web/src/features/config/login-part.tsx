import type { ComponentProps } from "react";
import { ErrorNote } from "../../ui/error-note";
import { LoginForm } from "./own-login";
import { useBackup } from "./queries";

/** The login of a device by SSH, in its panel: what is asked for it is asked only once it is opened. */
export function LoginPart({ device, ...rest }: { device: string } & Omit<ComponentProps<typeof LoginForm>, "backup" | "device">) {
  const { data, error, refetch } = useBackup(device);
  if (error && !data) return <ErrorNote error={error} onRetry={() => void refetch()} />;
  if (!data) return <p role="status" className="text-muted">Loading…</p>;
  return <LoginForm {...rest} device={device} backup={data} />;
}
