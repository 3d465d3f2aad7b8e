/** The filter of the log of deliveries as it stands in the URL. */
import * as v from "valibot";

export const logSearch = v.object({
  state: v.fallback(v.optional(v.picklist(["queued", "delivered", "failed"])), undefined),
});

export type LogSearch = v.InferOutput<typeof logSearch>;
