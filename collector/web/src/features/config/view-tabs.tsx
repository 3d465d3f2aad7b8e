interface Props {
  isText: boolean;
  /** Nothing is before it. */
  isFirst: boolean;
  onText: (on: boolean) => void;
}

const TAB =
  "-mb-px inline-flex h-9 items-center border-b-2 border-transparent px-2.5 text-muted not-disabled:hover:text-text disabled:text-faint " +
  "aria-pressed:border-accent aria-pressed:font-medium aria-pressed:text-text phone:h-11";

export function ViewTabs({ isText, isFirst, onText }: Props) {
  return (
    <div role="group" aria-label="What is shown" className="flex gap-1 border-b border-line px-4 phone:px-3">
      <button type="button" aria-pressed={!isText} className={TAB} disabled={isFirst} data-view="changes"
        title={isFirst ? "It is the first version: there is nothing to compare it with" : undefined} onClick={() => onText(false)}>
        Changes
      </button>
      <button type="button" aria-pressed={isText} className={TAB} data-view="text" onClick={() => onText(true)}>Whole text</button>
    </div>
  );
}
