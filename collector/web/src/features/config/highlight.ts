/** Parts of a line, for what is found in it to be marked. */
export interface Part {
  at: number;
  text: string;
  isFound: boolean;
}

interface Wanted {
  q?: string | undefined;
  regex?: true | undefined;
  case?: true | undefined;
}

function pattern({ q = "", regex, case: cased }: Wanted): RegExp | null {
  try {
    const source = regex ? q : q.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
    return new RegExp(source, cased ? "g" : "gi");
  } catch {
    // What the server understands and the browser does not: the line is told unmarked.
    return null;
  }
}

export function highlight(line: string, wanted: Wanted): Part[] {
  const found = pattern(wanted);
  const parts: Part[] = [];
  let done = 0;
  for (const match of found ? line.matchAll(found) : []) {
    const [text] = match;
    if (text === "") continue;
    if (match.index > done) parts.push({ at: done, text: line.slice(done, match.index), isFound: false });
    parts.push({ at: match.index, text, isFound: true });
    done = match.index + text.length;
  }
  if (done < line.length || parts.length === 0) parts.push({ at: done, text: line.slice(done), isFound: false });
  return parts;
}
