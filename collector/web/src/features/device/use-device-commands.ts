import { useQueryClient } from "@tanstack/react-query";
import { api, take } from "../../lib/api";
import { toast } from "../../lib/toasts";
import { useCommands } from "../../lib/use-commands";

/** What works on every tab of a device. */
export function useDeviceCommands(id: string, mayWrite: boolean, onBack: () => void): void {
  const queries = useQueryClient();
  const fetchNow = async () => {
    try {
      await take(api.POST("/api/v1/devices/{id}/backup/run", { params: { path: { id } } }));
      toast({ text: "The configuration is asked for. Its tab tells how far it is." });
      await queries.invalidateQueries({ queryKey: ["config"] });
    } catch (error) {
      toast({ text: `The configuration is not fetched. ${error instanceof Error ? error.message : String(error)}`, isBad: true });
    }
  };
  useCommands({ "go.back": onBack, "device.fetch": mayWrite && (() => void fetchNow()) });
}
