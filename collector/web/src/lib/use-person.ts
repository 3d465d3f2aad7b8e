/** Who is signed in, once the app has loaded them. */
import { useQuery } from "@tanstack/react-query";
import { meQuery } from "./session";
import type { Me } from "./types";

export function useMe(): Me | undefined {
  return useQuery(meQuery).data;
}
