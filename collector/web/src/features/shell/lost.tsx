import { type ErrorComponentProps, Link } from "@tanstack/react-router";
import { isMissingPart } from "../../lib/new-version";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { Mark } from "../../ui/wordmark";

export function NotFound() {
  return (
    <main className="flex flex-col items-start gap-3 px-8 py-20 phone:px-4">
      <Mark size={36} />
      <h1 className="text-xl font-semibold">Nothing here</h1>
      <p className="text-muted">This page does not exist, or it belongs to a tenant you cannot see.</p>
      <Link to="/fleet" className="py-1 text-accent underline underline-offset-4">
        Go to the fleet
      </Link>
    </main>
  );
}

export function Crash({ error, reset }: ErrorComponentProps) {
  return (
    <main className="flex max-w-[640px] flex-col items-start gap-3 px-8 py-20 phone:px-4">
      <Mark size={36} />
      <h1 className="text-xl font-semibold">This page failed</h1>
      <ErrorNote error={error instanceof Error ? error : new Error(String(error))} />
      <Button look="solid" onClick={isMissingPart(error) ? () => location.reload() : reset}>
        Try again
      </Button>
    </main>
  );
}
