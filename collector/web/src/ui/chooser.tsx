import { type KeyboardEvent, type RefObject, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "react";
import { gridMove } from "../lib/grid-keys";
import { INPUT } from "./field";
import { Icon } from "./icon";
import { Popover } from "./popover";

export interface Option {
  value: string;
  label: string;
  /** Muted, behind the label. */
  detail?: string | undefined;
  note?: string | undefined;
  /** More that it is found by. */
  words?: string | undefined;
}

interface Props {
  label: string;
  /** What it opens below, and where the focus goes back to. */
  anchor: RefObject<HTMLElement | null>;
  options: readonly Option[];
  value: string;
  onChoose: (value: string) => void;
  onClose: () => void;
}

function matches({ label, detail = "", words = "" }: Option, text: string): boolean {
  const hay = `${label} ${detail} ${words}`.toLowerCase();
  return text.toLowerCase().split(/\s+/).every((word) => hay.includes(word));
}

/** One of many, found by typing: arrows move, Enter chooses, Esc leaves. */
export function Chooser({ label, anchor, options, value, onChoose, onClose }: Props) {
  return (
    <Popover
      label={label}
      anchor={anchor}
      align="start"
      className="flex max-h-(--radix-popover-content-available-height) w-max min-w-72 flex-col"
      onClose={onClose}
    >
      <Options label={label} options={options} value={value} onChoose={onChoose} />
    </Popover>
  );
}

function Options({ label, options, value, onChoose }: Pick<Props, "label" | "options" | "value" | "onChoose">) {
  const id = useId();
  const [text, setText] = useState("");
  const found = useMemo(() => options.filter((option) => matches(option, text)), [options, text]);
  const [at, setAt] = useState(() => Math.max(0, options.findIndex((option) => option.value === value)));
  const list = useRef<HTMLDivElement>(null);
  const active = found[at];
  useLayoutEffect(() => {
    // As wide as all of them, also while few are left.
    if (list.current) list.current.style.minWidth = `min(${list.current.offsetWidth}px, 100vw - 38px)`;
  }, []);
  useEffect(() => {
    // Newer browsers answer with a promise, which is no clean-up.
    void list.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at]);
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    // Home and End move in the text that is typed.
    const to = text && /^(Home|End)$/.test(event.key) ? null : gridMove(event, at, found.length);
    if (to !== null) setAt(to);
    else if (event.key === "Enter" && !event.nativeEvent.isComposing && active) onChoose(active.value);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <input
        role="combobox"
        aria-label={`Find: ${label.toLowerCase()}`}
        aria-expanded="true"
        aria-controls={id}
        aria-activedescendant={active ? `${id}-${at}` : undefined}
        autoComplete="off"
        spellCheck={false}
        placeholder="Type to find"
        className={INPUT}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      {/* The keys are the input's, which keeps the focus. */}
      <div ref={list} id={id} role="listbox" aria-label={label} className="mt-1.5 min-h-0 max-h-80 overflow-y-auto [scrollbar-gutter:stable]">
        {found.map((option, index) => (
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
          <div
            key={option.value}
            id={`${id}-${index}`}
            role="option"
            aria-selected={option.value === value}
            onClick={() => onChoose(option.value)}
            onPointerMove={() => setAt(index)}
            className={`flex min-h-8 cursor-default items-center justify-between gap-3 rounded-md px-2.5 phone:min-h-11 ${
              index === at ? "bg-selected" : ""
            } ${option.value === value ? "text-accent" : ""}`}
          >
            <span className="clip">{option.label}{option.detail && <span className="ml-2 text-muted">{option.detail}</span>}</span>
            {option.note && <span className="ml-auto shrink-0 text-xs text-muted">{option.note}</span>}
            {option.value === value && <Icon name="check" size={14} />}
          </div>
        ))}
      </div>
      {found.length === 0 && <p className="px-2.5 py-2 text-muted" role="status">None is called so.</p>}
    </>
  );
}
