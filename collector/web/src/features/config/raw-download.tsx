import { useState } from "react";
import { dateTime, fileDay } from "../../lib/format";
import { useSecretMutation } from "../../lib/use-secret-mutation";
import { Confirm } from "../../ui/confirm";
import { saveText } from "../../lib/save-text";
import type { VersionText } from "./types";
import { api, take } from "../../lib/api";

/** The configuration with its secrets: for administrators, after a question, and told in the audit. */
export function RawDownload({ version: { id, device, first_at: at }, className }: { version: VersionText; className: string }) {
  const [asking, setAsking] = useState(false);
  const fetchIt = useSecretMutation({
    mutationFn: () => take(api.GET("/api/v1/configs/{id}/raw", { params: { path: { id } }, parseAs: "text" })),
    onSuccess: (text) => {
      saveText(text, `${device.name}-${fileDay(at)}-with-secrets.cfg`);
      setAsking(false);
    },
  });
  return (
    <>
      <button type="button" className={className} onClick={() => setAsking(true)}>With secrets…</button>
      <Confirm open={asking} title={`Download the configuration of ${device.name} with its secrets?`} action="Download with secrets"
        busy={fetchIt.isPending} error={fetchIt.error}
        onOpenChange={(open) => {
          if (!open) fetchIt.reset();
          setAsking(open);
        }}
        onConfirm={() => fetchIt.mutate()} isMild>
        The file is what the device sent at {dateTime(at)}: passwords, keys and communities among it. The audit tells that you
        downloaded it, before it is given.
      </Confirm>
    </>
  );
}
