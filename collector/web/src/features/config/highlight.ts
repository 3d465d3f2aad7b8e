/** Parts of a line, for what is found in it to be marked. */
export interface Part {
  at: number;
  text: string;
  isFound: boolean;
}

/** From a character and to before another, counted in code points as the server does. */
export type Span = readonly number[];

/** The server says where a line matches: its expressions are not those of a browser. Spans come in order and apart. */
export function highlight(line: string, spans: readonly Span[]): Part[] {
  const all = [...line];
  const parts: Part[] = [];
  let done = 0;
  const take = (to: number, isFound: boolean) => {
    if (to > done) parts.push({ at: done, text: all.slice(done, to).join(""), isFound });
    done = Math.max(done, to);
  };
  for (const [from = 0, to = 0] of spans) {
    take(Math.min(from, all.length), false);
    take(Math.min(to, all.length), true);
  }
  take(all.length, false);
  return parts;
}
