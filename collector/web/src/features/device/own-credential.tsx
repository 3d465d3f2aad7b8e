import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../lib/api";
import type { DeviceDetail } from "../../lib/types";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/confirm";

/** Gives a device up to the credential profiles. */
export function OwnCredential({ detail: { id, name, snmp } }: { detail: DeviceDetail }) {
  const queries = useQueryClient();
  const what = snmp.kind === "snmp_user" ? "user" : "community";
  const [asking, setAsking] = useState(false);
  const drop = useMutation({
    mutationFn: () => take(api.PUT("/api/v1/devices/{id}/credential", { params: { path: { id } }, body: { community: null } })),
    onSuccess: ({ data }) => {
      queries.setQueryData(["device", id], data);
      setAsking(false);
    },
  });
  return (
    <div className="-mt-2">
      <Button onClick={() => setAsking(true)}>Use a credential profile instead…</Button>
      <Confirm open={asking} onOpenChange={setAsking} title={`Remove the ${what} of ${name}?`} action="Remove it"
        busy={drop.isPending} error={drop.error} loses={[`The ${what} that it has of its own`]} onConfirm={() => drop.mutate()}>
        It is asked with that of the credential profile that fits. Where none fits, SNMP asks it nothing; echo requests go on.
      </Confirm>
    </div>
  );
}
