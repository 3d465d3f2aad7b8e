import { Link } from "@tanstack/react-router";

/** The way from nothing to the first chart as a button, from an agent on where one is named. */
export function SetupLink({ agent, children = "Set up a site", quiet }: { agent?: string; children?: string; quiet?: boolean }) {
  return (
    <Link to="/setup" search={agent === undefined ? {} : { agent }} data-setup-link
      className={`inline-flex h-8 items-center self-start rounded-md px-3 phone:min-h-11 ${
        quiet ? "border border-edge bg-surface hover:bg-hover" : "bg-solid font-medium text-on-solid hover:opacity-95"}`}>
      {children}
    </Link>
  );
}
