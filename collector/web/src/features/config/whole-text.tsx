import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { integer } from "../../lib/format";
import { useCommands } from "../../lib/use-commands";
import { IconButton } from "../../ui/button";
import { INPUT } from "../../ui/field";
import { Icon } from "../../ui/icon";
import { findAll, nextPlace, PLACES_MAX } from "./find";
import { TextView } from "./text-view";
import type { VersionText } from "./types";

interface Props {
  version: VersionText;
  line: number | null;
  find: string;
  onFind: (word: string) => void;
}

/** The configuration without its secrets, and a search in it: `/` leads there, Enter goes on, with Shift back. */
export function WholeText({ version: { text, device }, line, find, onFind }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const [now, setNow] = useState(find ? 0 : -1);
  const places = useMemo(() => findAll(text, find), [text, find]);
  useCommands({ "list.filter": () => input.current?.select() });
  const step = (by: 1 | -1) => setNow(nextPlace(now, by, places.length));
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape" && find) onFind("");
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const count = find === "" ? "" : places.length === 0 ? "not found"
    : `${integer(Math.max(0, Math.min(now, places.length - 1)) + 1)} of ${integer(places.length)}${places.length === PLACES_MAX ? " or more" : ""}`;
  return (
    <>
      <search className="sticky top-0 z-10 flex flex-wrap items-center gap-2 border-b border-line bg-bg px-4 py-2 phone:px-3">
        <label className="relative phone:flex-1">
          <span className="sr-only">Search in this version</span>
          <span className="pointer-events-none absolute top-1/2 left-2.5 -translate-y-1/2 text-faint"><Icon name="search" size={14} /></span>
          <input ref={input} type="search" className={`${INPUT} pl-8! desk:w-64`} placeholder="Search  ( / )" value={find}
            onKeyDown={onKeyDown} onChange={(event) => {
              setNow(0);
              onFind(event.target.value);
            }} />
        </label>
        <IconButton label="The one before (Shift Enter)" disabled={places.length === 0} onClick={() => step(-1)}><Icon name="up" /></IconButton>
        <IconButton label="The next one (Enter)" disabled={places.length === 0} onClick={() => step(1)}><Icon name="down" /></IconButton>
        <span role="status" className="text-xs text-muted" data-find-count>{count}</span>
      </search>
      <TextView text={text} label={`Configuration of ${device.name}`} line={line} places={places} now={Math.min(now, places.length - 1)} />
    </>
  );
}
