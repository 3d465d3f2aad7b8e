/** Rows to come, while a table loads. */
export function Skeleton({ label, rows = 8 }: { label: string; rows?: number }) {
  return (
    <div className="overflow-hidden px-4 pt-8" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, index) => (
        // The rows are all alike and never move.
        // oxlint-disable-next-line react/no-array-index-key
        <div key={index} className="flex h-7 items-center border-b border-line">
          <div className="h-2 w-2/5 animate-[breathe_1.6s_infinite] rounded bg-line" />
        </div>
      ))}
    </div>
  );
}
