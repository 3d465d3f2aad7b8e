/** The facts of a device by REST, and its live row: each follows what happens to the other. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { api, isNotHere, take } from "../../lib/api";
import { live, useDevice } from "../../lib/live-app";
import { useKeptError } from "../../lib/use-kept-error";

export function useDetail(id: string) {
  const queries = useQueryClient();
  const query = useQuery({
    queryKey: ["device", id],
    // The row takes part in the stream, also where no page has loaded the fleet.
    queryFn: () =>
      live.devices.fetch(id, async () => {
        return (await take(api.GET("/api/v1/devices/{id}", { params: { path: { id } } }))).data;
      }),
  });
  const row = useDevice(id);
  useEffect(() => {
    return live.onResync(() => void queries.invalidateQueries({ queryKey: ["device", id] }));
  }, [queries, id]);
  // The stream says that there are new facts, another address or agent, or another turn of SNMP, which may be that of a credential; the
  // rest comes by REST.
  const facts = row
    ? [row.sys_name, row.model, row.sys_object_id, row.address, row.agent?.id, row.snmp_poll?.cause].join("\n") : null;
  const known = useRef(facts);
  useEffect(() => {
    if (known.current !== null && facts !== null && known.current !== facts) {
      void queries.invalidateQueries({ queryKey: ["device", id] });
    }
    known.current = facts ?? known.current;
  }, [queries, id, facts]);
  const error = useKeptError(query.error, query.data !== undefined);
  const isMissing = isNotHere(query.error);
  return {
    row,
    detail: query.data,
    /** It was here, and it is no more. */
    isRemoved: query.data !== undefined && (isMissing || (!row && !query.isFetching)),
    isMissing,
    error,
    retry: () => void query.refetch(),
  };
}
