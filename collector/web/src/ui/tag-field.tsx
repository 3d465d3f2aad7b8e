import { type KeyboardEvent, useId, useState } from "react";
import { addTags } from "../lib/tags";
import { FieldFrame, INPUT } from "./field";
import { Icon } from "./icon";

interface Props {
  id: string;
  label: string;
  tags: readonly string[];
  onChange: (tags: readonly string[]) => void;
  /** What is typed and not ended yet. */
  onTyped?: (text: string) => void;
  /** Tags that are in use already. */
  known: readonly string[];
  /** Whether a comma ends one, as Enter does; else it may stand in one. */
  commas?: boolean;
  hint?: string;
  placeholder?: string;
  error?: string | undefined;
}

/** Tags as chips: Enter or a comma makes one, a click takes it away. */
export function TagField({
  id, label, tags, onChange, onTyped, known, commas = true, hint, placeholder = "core, customer-edge", error,
}: Props) {
  const list = useId();
  const [text, setText] = useState("");
  const put = (typed: string) => {
    setText(typed);
    onTyped?.(typed);
  };
  const take = (typed: string) => {
    onChange(addTags(tags, typed, commas));
    put("");
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === "Enter" && text.trim()) {
      event.preventDefault();
      take(text);
    } else if (event.key === "Backspace" && text === "") onChange(tags.slice(0, -1));
  };
  return (
    <FieldFrame id={id} label={label} hint={hint} error={error}>
      {tags.length > 0 && (
        <ul aria-label={`${label}: chosen`} className="flex flex-wrap gap-1.5">
          {tags.map((tag) => (
            <li key={tag}>
              <button type="button" title={`Take ${tag} away`} onClick={() => onChange(tags.filter((one) => one !== tag))}
                className="inline-flex h-7 items-center gap-1.5 rounded-full border border-accent bg-selected px-2.5 hover:bg-hover phone:h-11 phone:px-4">
                {tag}<span className="sr-only">, take it away</span>
                <span className="text-muted"><Icon name="close" size={11} /></span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <input id={id} className={INPUT} value={text} list={list} autoComplete="off" autoCapitalize="none" spellCheck={false}
        placeholder={placeholder} aria-invalid={error ? true : undefined} aria-describedby={error || hint ? `${id}-note` : undefined}
        onChange={(event) => (commas && event.target.value.includes(",") ? take(event.target.value) : put(event.target.value))}
        onKeyDown={onKeyDown} onBlur={() => text.trim() && take(text)} />
      <datalist id={list}>
        {known.filter((tag) => !tags.includes(tag)).map((tag) => <option key={tag} value={tag}>{tag}</option>)}
      </datalist>
    </FieldFrame>
  );
}
