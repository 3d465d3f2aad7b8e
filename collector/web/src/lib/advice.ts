/** Advice as agents give it, a clause, as a sentence that stands behind the word of its cause. */
export function adviceAfter(word: string, advice: string): string {
  // «no answer; check the address» behind «no answer».
  const rest = advice.toLowerCase().startsWith(word.toLowerCase()) ? advice.slice(word.length).replace(/^[\s;,:.–-]+/, "") : advice;
  if (rest === "") return "";
  const text = rest[0]?.toUpperCase() + rest.slice(1);
  return /[.!?)]$/.test(text) ? text : `${text}.`;
}
