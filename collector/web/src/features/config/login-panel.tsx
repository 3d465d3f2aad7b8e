import { SidePanel } from "../../ui/side-panel";
import { LoginForm } from "./own-login";
import type { Backup } from "./types";

interface Props {
  device: string;
  name: string;
  backup: Backup;
  open: boolean;
  onClose: () => void;
}

/** A login that is this device's alone. */
export function LoginPanel({ device, name, backup, open, onClose }: Props) {
  return (
    <SidePanel open={open} onOpenChange={(on) => on || onClose()} title={`SSH login of ${name}`}
      description="Its own, in place of that of a credential profile.">
      <LoginForm device={device} name={name} backup={backup} onSaved={onClose} onCancel={onClose} />
    </SidePanel>
  );
}
