import { ApiError } from "../lib/api";
import { Icon } from "./icon";

/** A failure in words, with what support needs to find it. */
export function ErrorNote({ error, className = "" }: { error: Error; className?: string }) {
  const request = error instanceof ApiError ? error.requestId : null;
  return (
    <div
      role="alert"
      className={`flex gap-2 rounded-md border border-down/40 bg-down-soft px-3 py-2 ${className}`}
    >
      <span className="mt-px text-down">
        <Icon name="warn" />
      </span>
      <div className="min-w-0">
        <p>{error.message}</p>
        {request && <p className="mt-0.5 text-xs text-muted">Request {request}</p>}
      </div>
    </div>
  );
}
