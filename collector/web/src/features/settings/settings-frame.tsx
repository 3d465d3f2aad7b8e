import { Link, Navigate, Outlet, useRouterState } from "@tanstack/react-router";
import { useMay } from "../../lib/role";
import { useTitle } from "../../lib/use-title";
import { usePhone } from "../../lib/use-phone";
import { Icon } from "../../ui/icon";
import { PageHead } from "../../ui/page-head";
import { groupsFor } from "./sections";

/** Settings: the list of pages on the left, on the phone a page of its own. */
export function SettingsFrame() {
  const phone = usePhone();
  const isList = useRouterState({ select: ({ location }) => /\/settings\/?$/.test(location.pathname) });
  if (phone) {
    return (
      <>
        {!isList && (
          <Link to="/settings"
            className="inline-flex min-h-11 items-center gap-1 pr-3 pl-2 text-muted hover:text-text">
            <Icon name="back" /> Settings
          </Link>
        )}
        <Outlet />
      </>
    );
  }
  return (
    <div className="flex min-h-full">
      <div className="w-52 shrink-0 border-r border-line px-2 py-3">
        <Sections />
      </div>
      <div className="min-w-0 flex-1">
        <Outlet />
      </div>
    </div>
  );
}

/** `/settings` itself: the list on the phone, else its first page. */
export function SettingsIndex() {
  const phone = usePhone();
  useTitle(phone ? "Settings" : null, true);
  if (!phone) return <Navigate to="/settings/account" replace />;
  return (
    <>
      <PageHead title="Settings" />
      <div className="px-3 pb-4"><Sections /></div>
    </>
  );
}

function Sections() {
  const groups = groupsFor(useMay());
  return (
    <nav aria-label="Settings" className="flex flex-col gap-4">
      {groups.map(({ label, sections }) => (
        <section key={label} aria-label={label}>
          <h2 className="px-2.5 pb-1 text-xs text-muted">{label}</h2>
          <ul className="flex flex-col gap-0.5 phone:overflow-hidden phone:rounded-lg phone:border phone:border-line phone:bg-surface">
            {sections.map((section) => (
              <li key={section.to} className="phone:not-first:border-t phone:not-first:border-line">
                <Link to={section.to}
                  className="flex min-h-8 items-center justify-between rounded-md px-2.5 text-muted hover:bg-hover
                    hover:text-text aria-[current=page]:bg-hover aria-[current=page]:font-medium
                    aria-[current=page]:text-text phone:min-h-12 phone:px-3.5 phone:text-base phone:text-text">
                  {section.label}
                  <span className="hidden -rotate-90 text-faint phone:inline"><Icon name="chevron" size={14} /></span>
                </Link>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </nav>
  );
}
