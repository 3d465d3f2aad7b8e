import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect } from "react";
import { ApiError, api, take } from "../../lib/api";
import { live, useDevice, useTableValue, useWatchedInterfaces } from "../../lib/live-app";
import { useKeys } from "../../lib/use-keys";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { lastFleet } from "../fleet/last-fleet";
import { NotFound } from "../shell/lost";
import { DeviceHead } from "./device-head";
import { InterfaceCharts } from "./interface-charts";
import { InterfaceTable, useInterfaceOrder } from "./interface-table";
import { busiest } from "./interface-table-order";

export function DevicePage({ id }: { id: string }) {
  const search = useSearch({ from: "/_app/devices/$id" });
  const navigate = useNavigate({ from: "/devices/$id" });
  const detail = useQuery({
    queryKey: ["device", id],
    queryFn: async () => {
      const { data } = await take(api.GET("/api/v1/devices/{id}", { params: { path: { id } } }));
      if (!live.devices.get(id)) live.devices.put(data);
      return data;
    },
  });
  const device = useDevice(id) ?? detail.data;
  useWatchedInterfaces(id);
  const order = useInterfaceOrder(id);
  const phase = useTableValue(live.interfaces(id), (table) => table.phase);
  const chosen = search.if || busiest(order)?.object || null;
  const row = order.find((port) => port.object === chosen);

  useEffect(() => {
    if (device) document.title = `${device.name} · Farwatch`;
  }, [device]);
  useKeys({ Escape: () => void navigate({ to: "/fleet", search: lastFleet().search }) });
  const choose = useCallback(
    (object: string) => {
      void navigate({ search: (old) => ({ ...old, if: object }), replace: true });
    },
    [navigate],
  );

  if (detail.error instanceof ApiError && detail.error.status === 404) return <NotFound />;
  if (detail.error) return <ErrorNote error={detail.error} className="m-4" />;
  if (!device || !detail.data) return <div role="status" aria-label="Loading the device" />;
  return (
    <div className="flex min-h-full flex-col">
      <DeviceHead device={device} detail={detail.data} />
      {order.length === 0 && phase === "ready" ? (
        <Empty title="No interfaces yet">
          <p>The first poll reads the interface table; it is due within one interval.</p>
        </Empty>
      ) : (
        <div className="grid grid-cols-[minmax(0,1.3fr)_minmax(0,1fr)] items-start gap-5 p-4 max-[1280px]:grid-cols-1 phone:p-3">
          <InterfaceTable device={device} chosen={chosen} onChoose={choose} />
          <InterfaceCharts device={device} object={chosen}
            title={row ? `${row.name || row.object}${row.alias ? ` · ${row.alias}` : ""}` : "Interface"} />
        </div>
      )}
    </div>
  );
}
