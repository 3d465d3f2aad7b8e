import { type ReactNode, useEffect, useId, useRef } from "react";
import { Icon } from "../../ui/icon";

interface Props {
  number: number;
  title: string;
  /** What came of it, or what it waits for. */
  note?: ReactNode;
  isDone: boolean;
  /** It has its turn, or had it; else only its name stands here. */
  isOpen: boolean;
  /** Once it is done, a line tells what came of it. */
  isLine?: boolean;
  children?: ReactNode;
}

/** One step of a way: its number turns into a tick once it is done. */
export function Step({ number, title, note, isDone, isOpen, isLine = false, children }: Props) {
  const id = useId();
  const own = useRef<HTMLLIElement>(null);
  const isCurrent = isOpen && !isDone;
  // What comes next may open below what is in sight.
  useEffect(() => {
    if (!isCurrent) return;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    own.current?.scrollIntoView({ block: "start", behavior: isCalm ? "auto" : "smooth" });
  }, [isCurrent]);
  const ring = isDone ? "border-up text-up" : isOpen ? "border-accent text-accent" : "border-edge text-muted";
  return (
    <li aria-labelledby={id} data-step={number} data-done={isDone} aria-current={isCurrent ? "step" : undefined} ref={own}
      className={`group relative flex scroll-mt-4 gap-4 last:pb-2 phone:block ${isDone && isLine ? "pb-2" : "pb-6"}`}>
      <span aria-hidden="true" className="absolute top-8 bottom-0 left-[13px] w-px bg-line group-last:hidden phone:hidden" />
      <span aria-hidden="true" className={`z-1 flex size-7 shrink-0 items-center justify-center rounded-full border bg-bg font-medium phone:absolute phone:top-0 phone:left-0 ${ring}`}>
        {isDone ? <Icon name="check" size={14} /> : number}
      </span>
      {/* What is done stands in one line with what came of it. */}
      <div className={`min-w-0 flex-1 ${isDone && isLine ? "flex flex-wrap items-center gap-x-4 phone:items-start" : ""}`}>
        <h2 id={id} className={`min-h-7 pt-1 text-base font-semibold phone:basis-full phone:pl-10 ${isOpen ? "" : "text-muted"}`}>
          {title}{isDone && <span className="sr-only">, done</span>}
        </h2>
        {note && <div className={`text-muted ${isDone && isLine ? "" : "phone:pt-1"}`}>{note}</div>}
        {/* The same place in both: what is typed and told in it stays. */}
        {isOpen && children && <div className={isDone && isLine ? "contents" : "mt-2.5 flex flex-col gap-4"}>{children}</div>}
      </div>
    </li>
  );
}
