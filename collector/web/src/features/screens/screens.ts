/** Begins the keys of what is asked of screens. */
export const SCREENS = ["screens"] as const;
