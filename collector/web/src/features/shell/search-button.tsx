import { keyCaps } from "../../lib/command-catalog";
import { Icon } from "../../ui/icon";
import { KeyCaps } from "../../ui/key-caps";

/** The way to the palette for a hand; at a wide desk it looks like the field that it opens. */
export function SearchButton({ onClick }: { onClick: () => void }) {
  return (
    <button type="button" title="Find anything (Ctrl+K)" aria-haspopup="dialog" data-search onClick={onClick}
      className="mr-1 inline-flex h-7 min-w-7 items-center justify-center gap-2 rounded-md border border-edge px-2 text-xs text-muted hover:bg-hover
        hover:text-text phone:mr-0 phone:size-11 phone:shrink-0 phone:border-0 phone:px-0">
      <Icon name="search" size={15} />
      <span className="max-[1240px]:sr-only">Find<span className="sr-only"> anything</span></span>
      <span className="max-[1240px]:hidden" aria-hidden="true"><KeyCaps caps={keyCaps("mod+k")} /></span>
    </button>
  );
}
