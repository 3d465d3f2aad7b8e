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

/** Changes what there is now: another tab or another machine may have saved one since. */
export async function changeViews(change: (views: readonly SavedView[]) => readonly SavedView[]): Promise<SavedView[]> {
  const { data: views } = await take(api.GET("/api/v1/me/views"));
  return (await take(api.PUT("/api/v1/me/views", { body: { views: [...change(views)] } }))).data;
}
