import { queryOptions } from "@tanstack/react-query";
import { api, take } from "./api";

/** Who is signed in. */
export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: async () => (await take(api.GET("/api/v1/me"))).data,
  staleTime: Number.POSITIVE_INFINITY,
});
