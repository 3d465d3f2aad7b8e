export interface Segment<V extends string> {
  value: V;
  label: string;
  /** How many it shows. */
  count?: string;
}

interface Props<V extends string> {
  /** What is chosen by it. */
  label: string;
  segments: readonly Segment<V>[];
  value: V;
  onChange: (value: V) => void;
}

/** One of a few, side by side: the whole choice is in sight. */
export function Segments<V extends string>({ label, segments, value, onChange }: Props<V>) {
  return (
    <div role="group" aria-label={label} className="flex flex-wrap gap-1">
      {segments.map((one) => (
        <button key={one.value} type="button" aria-pressed={one.value === value} data-segment={one.value}
          onClick={() => onChange(one.value)}
          className="inline-flex h-8 shrink-0 items-center gap-1.5 rounded-md border border-transparent px-2.5 text-muted hover:bg-hover
            hover:text-text aria-pressed:border-accent aria-pressed:bg-selected aria-pressed:text-text phone:h-11 phone:border-edge phone:px-3">
          {one.label}
          {one.count !== undefined && <span className="font-medium text-text">{one.count}</span>}
        </button>
      ))}
    </div>
  );
}
