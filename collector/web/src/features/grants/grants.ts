/** The lists of provider access, whatever they are narrowed to. */
export const GRANTS = ["grants"] as const;
