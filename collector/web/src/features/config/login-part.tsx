import { ErrorNote } from "../../ui/error-note";
import { LoginForm } from "./own-login";
import { useBackup } from "./queries";

/** The login of a device by SSH, in its panel: what is asked for it is asked only once it is opened. */
export function LoginPart({ device, name, onDone }: { device: string; name: string; onDone: () => void }) {
  const { data, error, refetch } = useBackup(device);
  if (error && !data) return <ErrorNote error={error} onRetry={() => void refetch()} />;
  if (!data) return <p role="status" className="text-muted">Loading…</p>;
  return <LoginForm device={device} name={name} backup={data} onDone={onDone} />;
}
