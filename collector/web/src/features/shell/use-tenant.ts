/** The tenant that the URL names, kept for the next page that is opened without one. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo } from "react";
import { rememberTenant, type Scope, scopeOf } from "../../lib/scope";
import { meQuery } from "../../lib/session";

const route = getRouteApi("/_app");
const NONE: Scope["tenants"] = [];

export function useTenant(): [Scope, (tenant: string | null) => void] {
  const asked = route.useSearch({ select: ({ tenant }) => tenant });
  const tenants = useQuery(meQuery).data?.tenants ?? NONE;
  const navigate = useNavigate();
  const scope = useMemo(() => scopeOf(tenants, asked), [tenants, asked]);
  const chosen = scope.tenant?.id ?? null;
  useEffect(() => rememberTenant(chosen), [chosen]);
  const choose = useCallback(
    (tenant: string | null) => {
      void navigate({ to: ".", search: (old) => ({ ...old, tenant: tenant ?? undefined }) });
    },
    [navigate],
  );
  return [scope, choose];
}
