import { useEffect, useMemo } from "react";
import { live, useTableValue } from "./live-app";
import { tagsOf } from "./tags";

/** The tags in use in a tenant, or in all of them. */
export function useKnownTags(tenant?: string): readonly string[] {
  useEffect(() => live.ensureDevices(), []);
  const tags = useTableValue(live.devices, (table) => {
    const rows = table.list();
    return tagsOf(tenant ? rows.filter((row) => row.tenant.id === tenant) : rows).join("\n");
  });
  return useMemo(() => (tags ? tags.split("\n") : []), [tags]);
}
