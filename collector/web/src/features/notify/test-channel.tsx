import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, take } from "../../lib/api";
import { Age } from "../../ui/age";
import { Button, IconButton } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { Icon } from "../../ui/icon";
import { StateShape } from "../../ui/state-badge";
import { refusedPlaceOf } from "./allow";
import { AllowHelp } from "./allow-help";
import { adviceFor, outcomeWord, tookWords } from "./delivery-words";
import { CHANNELS, DELIVERIES } from "./queries";
import type { Channel, Delivery } from "./types";

type Tested = Pick<Channel, "id" | "name" | "kind" | "host" | "mqtt">;

/** Sends a message the way an alert goes, once. */
export function useTest() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ id }: Tested) => (await take(api.POST("/api/v1/channels/{id}/test", { params: { path: { id } } }))).data,
    // It is in the log, and the channel may work since or fail since.
    onSettled: () => Promise.all([CHANNELS, DELIVERIES].map((queryKey) => queries.invalidateQueries({ queryKey }))),
  });
}

export type TestRun = ReturnType<typeof useTest>;

interface ButtonProps {
  test: TestRun;
  channel: Tested;
  look?: "plain" | "quiet" | "solid";
  className?: string;
  children?: string;
}

export function TestButton({ test, channel, look = "plain", className = "", children = "Test" }: ButtonProps) {
  const isThis = test.isPending && test.variables.id === channel.id;
  return (
    <Button look={look} className={className} data-test disabled={test.isPending} aria-label={`${children} ${channel.name}`}
      title="Sends it a message now, the way an alert goes" onClick={() => test.mutate(channel)}>
      {isThis ? "Sending…" : children}
    </Button>
  );
}

/** How the test went, until it is closed. */
export function TestResult({ test, className = "" }: { test: TestRun; className?: string }) {
  const channel = test.variables;
  if (test.isPending || !channel) return null;
  if (test.error) return <ErrorNote error={test.error} className={className} onRetry={() => test.mutate(channel)} />;
  if (!test.data) return null;
  return (
    <div role="status" data-tested={test.data.state} className={`flex items-start gap-3 rounded-md border border-line bg-raised px-3 py-2 ${className}`}>
      <div className="flex min-w-0 flex-1 flex-col gap-1">
        <p className="text-xs text-muted">
          Test of {channel.name} <Age at={test.data.created_at} long />
        </p>
        <Outcome channel={channel} delivery={test.data} />
      </div>
      <IconButton label="Close the result" onClick={() => test.reset()}><Icon name="close" /></IconButton>
    </div>
  );
}

function Outcome({ channel, delivery }: { channel: Tested; delivery: Delivery }) {
  const last = delivery.attempts.at(-1);
  // The channel was deleted while it was on its way.
  if (!last) return <p>Nothing was sent: the channel is gone.</p>;
  const isDelivered = last.outcome === "delivered";
  const advice = adviceFor(channel.kind, last);
  const place = refusedPlaceOf(channel, last);
  return (
    <>
      <p className="flex items-baseline gap-2">
        <span className="self-center"><StateShape state={isDelivered ? "up" : "down"} size={10} /></span>
        <span className="min-w-0 wrap-anywhere">
          {isDelivered ? `Delivered ${tookWords(last.took_ms)}${last.status === null ? "" : `, answered ${last.status}`}.`
            : `Not delivered – ${outcomeWord(last.outcome)}${last.detail && `: ${last.detail}`}.`}
          {advice && <span className="text-muted"> {advice}</span>}
        </span>
      </p>
      {place && <AllowHelp kind={channel.kind} place={place} />}
    </>
  );
}
