import { Link } from "@tanstack/react-router";

interface Props {
  /** Where it begins: at a site that is there, or at its agent. */
  site?: string;
  agent?: string;
  children?: string;
  quiet?: boolean;
  className?: string;
}

/** The way from nothing to the first chart as a button. */
export function SetupLink({ site, agent, children = "Set up a site", quiet, className = "" }: Props) {
  return (
    <Link to="/setup" search={{ ...(site === undefined ? {} : { site }), ...(agent === undefined ? {} : { agent }) }} data-setup-link
      className={`inline-flex h-8 items-center self-start rounded-md px-3 phone:min-h-11 ${
        quiet ? "border border-edge bg-surface hover:bg-hover" : "bg-solid font-medium text-on-solid hover:opacity-95"} ${className}`}>
      {children}
    </Link>
  );
}
