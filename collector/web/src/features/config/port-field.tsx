import { TextField } from "../../ui/field";

/** Where a device serves SSH. */
export function PortField({ id, port, error, onChange }: { id: string; port: string; error: string | undefined; onChange: (port: string) => void }) {
  return (
    <TextField id={id} label="Port of SSH" inputMode="numeric" autoComplete="off" value={port} error={error} onChange={(event) => onChange(event.target.value)} />
  );
}
