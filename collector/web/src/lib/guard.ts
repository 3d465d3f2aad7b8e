/** Pages that are for some roles only. */
import type { QueryClient } from "@tanstack/react-query";
import { type May, mayBy } from "./role";
import { meQuery } from "./session";

/** What a page asks of who opens it. */
export type Need = keyof May;

/** Thrown in place of a page that the signed-in person may not use. */
export class Refused extends Error {
  readonly need: Need;
  readonly role: string;

  constructor(need: Need, role: string) {
    super(`This page needs more than the role ${role}.`);
    this.name = "Refused";
    this.need = need;
    this.role = role;
  }
}

/** For `beforeLoad` of a route below the app's, which has loaded who is signed in. */
export function guard(need: Need): (page: { context: { queries: QueryClient } }) => void {
  return ({ context }) => {
    const user = context.queries.getQueryData(meQuery.queryKey)?.user;
    if (user && !mayBy(user.role, user.staff)[need]) throw new Refused(need, user.role);
  };
}
