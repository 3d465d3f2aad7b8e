import { useQuery } from "@tanstack/react-query";
import { api, take } from "../../lib/api";
import { Age } from "../../ui/age";
import { Icon } from "../../ui/icon";
import { adviceFor, lastFailure, outcomeWord } from "./delivery-words";
import { DELIVERIES } from "./queries";
import type { Channel } from "./types";

/** Of so many deliveries the newest that failed is looked for. */
const LOOK_AT = 50;

/** Why a channel does not work, and what to do about it: at the top of its page, not at the end of its log. */
export function LastError({ channel: { id, kind, state, enabled } }: { channel: Channel }) {
  const isWrong = enabled && (state === "failing" || state === "retrying");
  const { data } = useQuery({
    queryKey: [...DELIVERIES, id, "newest"],
    enabled: isWrong,
    queryFn: async () => (await take(api.GET("/api/v1/channels/{id}/deliveries", { params: { path: { id }, query: { limit: LOOK_AT } } }))).data,
  });
  const last = isWrong && data ? lastFailure(data) : null;
  if (!last) return null;
  const advice = adviceFor(kind, last);
  return (
    <p data-last-error className="mx-4 mb-3 flex gap-2 rounded-md border border-edge bg-degraded-soft px-3 py-2 phone:mx-3">
      <span className="mt-px text-degraded"><Icon name="warn" /></span>
      <span className="min-w-0 wrap-anywhere">
        <span className="font-medium">Not delivered <Age at={last.at} long /> – {outcomeWord(last.outcome)}{last.detail && `: ${last.detail}`}.</span>
        {advice && <span className="text-muted"> {advice}</span>}
      </span>
    </p>
  );
}
