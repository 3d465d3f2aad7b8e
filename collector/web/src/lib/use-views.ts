import { useQuery } from "@tanstack/react-query";
import { api, take } from "./api";
import type { SavedView } from "./types";

export const VIEWS = ["me", "views"] as const;
const NONE: readonly SavedView[] = [];

/** The views of the person who is signed in. */
export function useViews() {
  const query = useQuery({
    queryKey: VIEWS,
    queryFn: async () => (await take(api.GET("/api/v1/me/views"))).data,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return { views: query.data ?? NONE, error: query.error };
}

/** Writes all of them. */
export async function putViews(views: readonly SavedView[]): Promise<SavedView[]> {
  return (await take(api.PUT("/api/v1/me/views", { body: { views: [...views] } }))).data;
}
