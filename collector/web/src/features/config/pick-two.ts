/** Two of many, for a comparison: a third one takes the place of the first. */
export function pickTwo(picked: readonly string[], id: string): string[] {
  if (picked.includes(id)) return picked.filter((one) => one !== id);
  return [...picked, id].slice(-2);
}
