import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useMayIn } from "../../lib/role";
import type { DeviceDetail } from "../../lib/types";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { Skeleton } from "../../ui/skeleton";
import { BackupSettings } from "./backup-settings";
import { BackupState } from "./backup-state";
import { HostKeyPart } from "./host-key-part";
import { LoginPanel } from "./login-panel";
import { useBackup } from "./queries";
import { LastJob, RunButton } from "./run-part";
import { VersionsPart } from "./versions-part";

interface Props {
  device: Pick<DeviceDetail, "id" | "name" | "tenant">;
  /** Why its agent can do nothing now. */
  offline: string | null;
}

/** The tab of a device: how its backup stands, and all versions of its configuration. */
export function DeviceConfig({ device, offline }: Props) {
  const { id, name, tenant } = device;
  const { data: backup, error, refetch } = useBackup(id);
  const { write, admin } = useMayIn()(tenant.id);
  const [opened, setOpened] = useState<"settings" | "login" | null>(null);
  if (error && !backup) return <ErrorNote error={error} onRetry={() => void refetch()} />;
  if (!backup) return <Skeleton label="Loading the configuration" />;
  return (
    <div className="flex flex-col gap-4" data-device-config>
      <section aria-label="Backup" className="rounded-lg border border-line bg-surface px-4 py-3 phone:px-3">
        <BackupState backup={backup} onLogin={admin ? () => setOpened("login") : null}>
          {admin && <Button onClick={() => setOpened("settings")}>Settings…</Button>}
          {write && <RunButton device={id} backup={backup} offline={offline} />}
        </BackupState>
        <LastJob backup={backup} canWrite={write} />
        <HostKeyPart device={id} name={name} backup={backup} canPin={admin} />
      </section>
      <VersionsPart device={id} isBackedUp={backup.effective.enabled} />
      <Link to="/config/jobs" search={{ device: id }} className="self-start text-accent hover:underline phone:inline-flex phone:min-h-11 phone:items-center">
        Jobs of this device
      </Link>
      <BackupSettings device={id} name={name} backup={backup} open={opened === "settings"} onClose={() => setOpened(null)} />
      <LoginPanel device={id} name={name} backup={backup} open={opened === "login"} onClose={() => setOpened(null)} />
    </div>
  );
}
