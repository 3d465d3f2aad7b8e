import { useState } from "react";
import { dateTime } from "../../lib/format";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/confirm";
import { Icon } from "../../ui/icon";
import { usePinKey } from "./queries";
import type { Backup } from "./types";

interface Props {
  device: string;
  name: string;
  backup: Pick<Backup, "host_key" | "host_key_at" | "other_key" | "other_key_at">;
  canPin: boolean;
}

/** The device shows another host key than the pinned one: nothing is fetched until somebody has looked at both. */
export function HostKeyPart({ device, name, backup: { host_key: pinned, host_key_at: since, other_key: other, other_key_at: seen }, canPin }: Props) {
  const [asking, setAsking] = useState(false);
  const pin = usePinKey(device, () => setAsking(false));
  if (!other) return null;
  return (
    <div role="alert" data-host-key className="mt-3 flex flex-wrap items-start gap-3 rounded-md border border-down/40 bg-down-soft px-3 py-2">
      <span className="mt-px text-down"><Icon name="warn" /></span>
      <div className="min-w-0 flex-1">
        <p>
          Since {dateTime(seen)} another host key is shown. Nothing is sent, no password either, until somebody has compared its
          fingerprint with that of the device: it may be a new device, or somebody in between.
        </p>
        <dl className="mt-1.5 grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-1 text-xs">
          <dt className="text-muted">Pinned</dt><dd className="font-mono break-all select-all">{pinned}</dd>
          <dt className="text-muted">Shown now</dt><dd className="font-mono break-all select-all">{other}</dd>
        </dl>
      </div>
      {canPin && <Button look="danger" onClick={() => setAsking(true)}>Compare and pin…</Button>}
      <Confirm open={asking} title={`Pin the new host key of ${name}?`} action="Pin the new key" busy={pin.isPending} error={pin.error}
        onOpenChange={(open) => {
          if (!open) pin.reset();
          setAsking(open);
        }}
        onConfirm={() => pin.mutate(other)}>
        <span className="flex flex-col gap-2">
          <span>Compare both fingerprints with what the device itself says, on its console or by who installed it. From then on the login is sent to whoever has this key.</span>
          <Fingerprint word={`Pinned since ${dateTime(since)}`} value={pinned ?? "none"} />
          <Fingerprint word={`Shown since ${dateTime(seen)}`} value={other} />
        </span>
      </Confirm>
    </div>
  );
}

function Fingerprint({ word, value }: { word: string; value: string }) {
  return (
    <span className="flex flex-col rounded-md border border-line bg-surface px-3 py-1.5">
      <span className="text-xs">{word}</span>
      <code className="font-mono text-xs break-all text-text select-all">{value}</code>
    </span>
  );
}
