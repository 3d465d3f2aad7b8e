/** What the signed-in person may do. The server decides; this keeps dead ends off the pages. */
import { useQuery } from "@tanstack/react-query";
import { meQuery } from "./session";

export interface May {
  /** Devices and enrolment tokens. */
  write: boolean;
  /** API keys and revoking agents. */
  admin: boolean;
}

const ROLES: Readonly<Record<string, May>> = {
  viewer: { write: false, admin: false },
  operator: { write: true, admin: false },
  tenant_admin: { write: true, admin: true },
  super_admin: { write: true, admin: true },
};

/** `role` is the highest one anywhere; an unknown one is left for the server to judge. */
export function mayBy(role: string | undefined): May {
  if (role === undefined) return { write: false, admin: false };
  return ROLES[role] ?? { write: true, admin: true };
}

export function useMay(): May {
  return mayBy(useQuery(meQuery).data?.user.role);
}
