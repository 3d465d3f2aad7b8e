import { ApiError, api, PAGE, take, takeAll } from "../../lib/api";

/** Ends all sessions but this one, those too that the page does not show. */
export async function endOtherSessions(): Promise<void> {
  const all = await takeAll((cursor) =>
    take(api.GET("/api/v1/sessions", { params: { query: { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) } } })));
  for (const { id } of all.filter(({ current }) => !current)) {
    try {
      // One after the other: a request each, and the server counts them.
      // oxlint-disable-next-line no-await-in-loop
      await take(api.DELETE("/api/v1/sessions/{id}", { params: { path: { id } } }));
    } catch (error) {
      // It has ended by itself meanwhile.
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
  }
}
