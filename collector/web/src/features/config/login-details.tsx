import { useState } from "react";
import { ErrorNote } from "../../ui/error-note";
import { Icon } from "../../ui/icon";
import { DropLogin, LoginForm } from "./own-login";
import { useBackup } from "./queries";

/** The login of a device by SSH, folded away in its form: what is asked for it is asked only once it is opened. */
export function LoginDetails({ device, name, onDone }: { device: string; name: string; onDone: () => void }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="group mt-4 rounded-md border border-line px-3" data-login onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="flex min-h-9 cursor-pointer items-center gap-2 font-medium select-none phone:min-h-11">
        SSH login <span className="flex-1 text-xs font-normal text-muted">for its configuration</span>
        <span className="text-muted group-open:rotate-180"><Icon name="chevron" size={14} /></span>
      </summary>
      {open && <Opened device={device} name={name} onDone={onDone} />}
    </details>
  );
}

function Opened({ device, name, onDone }: { device: string; name: string; onDone: () => void }) {
  const { data, error, refetch } = useBackup(device);
  if (error && !data) return <ErrorNote error={error} className="mb-3" onRetry={() => void refetch()} />;
  if (!data) return <p role="status" className="pb-3 text-muted">Loading…</p>;
  return (
    <div className="pt-1 pb-3">
      <LoginForm device={device} backup={data} onDone={onDone} />
      {data.login?.from === "device" && <DropLogin device={device} name={name} onDone={onDone} />}
    </div>
  );
}
