/** Keys as they stand on a keyboard, one after the other. */
export function KeyCaps({ caps }: { caps: readonly string[] }) {
  return (
    <span className="inline-flex shrink-0 gap-1 align-middle">
      {caps.map((cap, at) => (
        // Twice the same key is two keys.
        // oxlint-disable-next-line react/no-array-index-key
        <kbd key={at} className="min-w-5 rounded border border-edge bg-surface px-1 text-center font-mono text-2xs leading-4.5 text-muted">{cap}</kbd>
      ))}
    </span>
  );
}
