/** Beside the name of a tenant whose routers are simulated. */
export function DemoMark() {
  return (
    <span data-demo title="Its routers are simulated"
      className="ml-1.5 shrink-0 rounded-full border border-line px-1.5 text-2xs text-muted">Demo</span>
  );
}
