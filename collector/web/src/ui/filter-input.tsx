import { type RefObject, useState } from "react";
import { onFilterKey } from "../lib/filter-keys";
import { usePhone } from "../lib/use-phone";
import { INPUT } from "./field";
import { Icon } from "./icon";

interface Props {
  /** What is filtered: «Filter devices». */
  label: string;
  input: RefObject<HTMLInputElement | null>;
  query: string;
  onQuery: (query: string) => void;
  toRows: () => boolean;
  /** What to type, where that is not plain: «Filter». */
  word?: string;
}

/**
 * The text of the filter. The URL follows it a moment later, so what is typed is kept here: an
 * input bound to the URL would throw its caret about. Outside of typing the URL leads.
 */
export function FilterInput({ label, input, query, onQuery, toRows, word = "Filter" }: Props) {
  const phone = usePhone();
  const [text, setText] = useState(query);
  const [typing, setTyping] = useState(false);
  const [seen, setSeen] = useState(query);
  if (seen !== query) {
    setSeen(query);
    if (!typing) setText(query);
  }
  const change = (next: string) => {
    setText(next);
    onQuery(next);
  };
  return (
    <label className="relative block phone:order-2 phone:w-full">
      <span className="sr-only">{label}</span>
      <span className="pointer-events-none absolute top-1/2 left-2.5 -translate-y-1/2 text-faint">
        <Icon name="search" size={14} />
      </span>
      <input
        ref={input}
        type="search"
        className={`${INPUT} pl-8! desk:w-64`}
        placeholder={phone ? word : `${word}  ( / )`}
        value={text}
        onChange={(event) => change(event.target.value)}
        onFocus={() => setTyping(true)}
        onBlur={() => setTyping(false)}
        onKeyDown={(event) => onFilterKey(event, { clear: () => change(""), toRows })}
      />
    </label>
  );
}
