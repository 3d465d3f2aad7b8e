/** What the settings hold. A page is listed here and nowhere else. */
import type { Need } from "../../lib/guard";
import type { May } from "../../lib/role";

export interface Section {
  to:
    | "/settings/account" | "/settings/tenants" | "/settings/tokens" | "/settings/credentials"
    | "/settings/configurations" | "/settings/notifications" | "/settings/people" | "/settings/provider-access"
    | "/settings/api-keys" | "/settings/audit" | "/settings/wallboards";
  label: string;
  /** Who may open it; all who are signed in where it says nothing. The route asks the same. */
  need?: Need;
}

export interface Group {
  label: string;
  sections: readonly Section[];
}

const GROUPS: readonly Group[] = [
  { label: "Account", sections: [{ to: "/settings/account", label: "You and this browser" }] },
  {
    label: "Organisation",
    sections: [
      { to: "/settings/tenants", label: "Tenants" },
      { to: "/settings/tokens", label: "Enrolment tokens", need: "write" },
      { to: "/settings/credentials", label: "Credentials", need: "write" },
      { to: "/settings/configurations", label: "Config backup", need: "admin" },
      { to: "/settings/notifications", label: "Notifications" },
      { to: "/settings/wallboards", label: "Wallboards", need: "admin" },
    ],
  },
  {
    label: "Access",
    sections: [
      { to: "/settings/people", label: "People", need: "admin" },
      { to: "/settings/provider-access", label: "Provider access", need: "visit" },
      { to: "/settings/api-keys", label: "API keys", need: "admin" },
      { to: "/settings/audit", label: "Audit", need: "admin" },
    ],
  },
];

/** The groups that hold a page for this person. */
export function groupsFor(may: May): Group[] {
  return GROUPS.map(({ label, sections }) => ({
    label,
    sections: sections.filter(({ need }) => need === undefined || may[need]),
  })).filter(({ sections }) => sections.length > 0);
}
