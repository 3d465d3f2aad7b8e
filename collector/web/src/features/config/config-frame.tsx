import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { PageHead } from "../../ui/page-head";

const PAGES = [
  { to: "/config", label: "Devices" }, { to: "/config/search", label: "Search" }, { to: "/config/jobs", label: "Jobs" },
] as const;

const LINK =
  "-mb-px inline-flex h-9 items-center border-b-2 border-transparent px-2.5 text-muted hover:text-text phone:h-11 " +
  "aria-[current=page]:border-accent aria-[current=page]:font-medium aria-[current=page]:text-text";

/** The pages of configurations, and what narrows the one that is open. */
export function ConfigFrame({ filters, children }: { filters?: ReactNode; children: ReactNode }) {
  return (
    <>
      <PageHead title="Config">{filters}</PageHead>
      <nav aria-label="Config" className="flex gap-1 border-b border-line px-4 phone:px-3">
        {PAGES.map(({ to, label }) => (
          <Link key={to} to={to} activeOptions={{ exact: true, includeSearch: false }} className={LINK}>{label}</Link>
        ))}
      </nav>
      {children}
    </>
  );
}
