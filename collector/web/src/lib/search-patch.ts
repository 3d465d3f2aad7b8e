/** A search of the URL with some of it changed; what is empty stands in no URL. */
export function patched<S extends object>(old: S, patch: Partial<S>): S {
  return Object.fromEntries(Object.entries({ ...old, ...patch }).filter(([, value]) => value)) as S;
}
