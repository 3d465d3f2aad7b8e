import { useMutation } from "@tanstack/react-query";
import { useId } from "react";
import { adviceAfter } from "../../lib/advice";
import { api, take } from "../../lib/api";
import { integer, percent, threeFigures } from "../../lib/format";
import { causeHint, causeWord } from "../../lib/state";
import type { Polled } from "../../lib/types";
import { useCommands } from "../../lib/use-commands";
import { Age } from "../../ui/age";
import { Button, IconButton } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { Icon } from "../../ui/icon";
import { StateShape } from "../../ui/state-badge";

/** Asks the device now, beside its schedule. */
export function usePollNow(id: string) {
  return useMutation({
    mutationFn: async () => (await take(api.POST("/api/v1/devices/{id}/poll", { params: { path: { id } }, body: {} }))).data,
  });
}

export type PollNow = ReturnType<typeof usePollNow>;

/** `offline`: why its agent can ask nothing now. */
export function PollButton({ poll, offline }: { poll: PollNow; offline: string | null }) {
  const id = useId();
  const disabled = poll.isPending || offline !== null;
  useCommands({ "device.poll": !disabled && (() => poll.mutate()) });
  return (
    <span className="inline-flex flex-row-reverse items-center gap-3 phone:contents">
      <Button onClick={() => poll.mutate()} disabled={disabled} aria-describedby={offline ? id : undefined} data-poll
        title={offline ?? "Ask it now, beside its schedule ( p )"} className="phone:order-last phone:mb-1 phone:ml-1">
        {poll.isPending ? "Polling…" : "Poll now"}
      </Button>
      {offline && <span id={id} data-offline className="text-xs text-muted phone:order-last phone:mb-1 phone:basis-full">{offline}</span>}
    </span>
  );
}

/** What the poll brought, until it is closed. */
export function PollResult({ poll }: { poll: PollNow }) {
  if (poll.error) return <ErrorNote error={poll.error} className="mt-3" onRetry={() => poll.mutate()} />;
  if (!poll.data) return null;
  const { at, snmp, ping } = poll.data;
  return (
    <div role="status" data-polled className="mt-3 flex items-start gap-3 rounded-md border border-line bg-raised px-3 py-2">
      <div className="flex min-w-0 flex-1 flex-col gap-1">
        <p className="text-xs text-muted">Polled by hand <Age at={at} long /></p>
        {ping && <Line ok={ping.ok} text={echoWords(ping)} advice={ping.ok ? null : causeHint(ping.cause)} />}
        {snmp && <Line ok={snmp.ok} text={snmpWords(snmp)} advice={snmp.ok ? null : adviceOf(snmp)} />}
        {!ping && !snmp && <p>Nothing was asked: echo requests are switched off, and there is no credential for SNMP.</p>}
      </div>
      <IconButton label="Close the result" onClick={() => poll.reset()}><Icon name="close" /></IconButton>
    </div>
  );
}

function Line({ ok, text, advice }: { ok: boolean; text: string; advice: string | null }) {
  return (
    <p className="flex items-baseline gap-2">
      <span className="self-center"><StateShape state={ok ? "up" : "down"} size={10} /></span>
      <span className="min-w-0">{text}{advice && <span className="text-muted"> {advice}</span>}</span>
    </p>
  );
}

function adviceOf({ cause, advice }: NonNullable<Polled["snmp"]>): string | null {
  return advice ? adviceAfter(causeWord(cause) ?? "", advice) : causeHint(cause);
}

const inMs = (value: number | null) => (value === null ? "" : ` in ${threeFigures(value)} ms`);

export function snmpWords({ ok, cause, rtt_ms: rtt, values, answers_from: from }: NonNullable<Polled["snmp"]>): string {
  if (!ok) return `SNMP: ${causeWord(cause) ?? "no answer that can be used"}${from ? ` (${from})` : ""}.`;
  const source = from ? `, from ${from} and not from the address that was asked` : "";
  return `SNMP answered${inMs(rtt)}: ${integer(values)} value${values === 1 ? "" : "s"}${source}.`;
}

export function echoWords({ ok, cause, sent, received, loss_percent: loss, rtt_ms: rtt }: NonNullable<Polled["ping"]>): string {
  if (sent === 0) return `Echo: ${causeWord(cause) ?? "not sent"}.`;
  const lost = loss !== null && loss > 0 ? `, ${percent(loss / 100)} % lost` : "";
  return `Echo: ${received} of ${sent} came back${ok || received > 0 ? inMs(rtt) : ""}${lost}.`;
}
