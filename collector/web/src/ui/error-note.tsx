import { ApiError } from "../lib/api";
import { Button } from "./button";
import { Icon } from "./icon";

interface Props {
  error: Error;
  className?: string;
  /** What failed can be tried again by hand. */
  onRetry?: (() => void) | undefined;
}

/** A failure in words, with what support needs to find it. */
export function ErrorNote({ error, className = "", onRetry }: Props) {
  const request = error instanceof ApiError ? error.requestId : null;
  return (
    <div
      role="alert"
      className={`flex gap-2 rounded-md border border-down/40 bg-down-soft px-3 py-2 ${className}`}
    >
      <span className="mt-px text-down">
        <Icon name="warn" />
      </span>
      <div className="min-w-0 flex-1">
        {error.message.includes("\n") ? (
          // The caret stands below what it means.
          <pre className="overflow-x-auto font-mono text-xs">{error.message}</pre>
        ) : <p>{error.message}</p>}
        {request && <p className="mt-0.5 text-xs text-muted">Request {request}</p>}
      </div>
      {onRetry && (
        <Button className="shrink-0 self-center" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}
