/** Parts of a line, for what is found in it to be marked. */
export interface Part {
  at: number;
  text: string;
  isFound: boolean;
}

/** What was asked for. */
interface Wanted {
  q?: string | undefined;
  regex?: true | undefined;
  case?: true | undefined;
}

/**
 * Null for a regular expression: what the server finds in linear time may keep this page busy for
 * hours, and its classes are not those of the browser. The line is told unmarked.
 */
function pattern({ q = "", regex, case: cased }: Wanted): RegExp | null {
  return regex || q === "" ? null : new RegExp(q.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`), cased ? "g" : "gi");
}

export function highlight(line: string, wanted: Wanted): Part[] {
  const found = pattern(wanted);
  const parts: Part[] = [];
  let done = 0;
  for (const match of found ? line.matchAll(found) : []) {
    const [text] = match;
    if (match.index > done) parts.push({ at: done, text: line.slice(done, match.index), isFound: false });
    parts.push({ at: match.index, text, isFound: true });
    done = match.index + text.length;
  }
  if (done < line.length || parts.length === 0) parts.push({ at: done, text: line.slice(done), isFound: false });
  return parts;
}
