import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { useScope } from "./scope";

/** A link from elsewhere may lead to another tenant than the one the pages are narrowed to: they follow. */
export function useOwner(owner: string | undefined): void {
  const navigate = useNavigate();
  const { tenant } = useScope();
  useEffect(() => {
    if (!tenant || !owner || tenant.id === owner) return;
    void navigate({ to: ".", search: (old) => ({ ...old, tenant: owner }), replace: true });
  }, [tenant, owner, navigate]);
}
