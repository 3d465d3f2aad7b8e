import { createFileRoute, redirect } from "@tanstack/react-router";
import { FirstPassword } from "../features/login/first-password";
import { ApiError } from "../lib/api";
import { FIRST_PAGE, nextSearch } from "../lib/own-page";
import { meQuery } from "../lib/session";

export const Route = createFileRoute("/password")({
  validateSearch: nextSearch,
  beforeLoad: async ({ context, search: { next } }) => {
    try {
      const { user } = await context.queries.ensureQueryData(meQuery);
      if (!user.must_change_password) throw redirect({ href: next ?? FIRST_PAGE, replace: true });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      throw redirect({ to: "/login", search: next ? { next } : {} });
    }
  },
  component: PasswordRoute,
});

function PasswordRoute() {
  const { next } = Route.useSearch();
  return <FirstPassword next={next ?? FIRST_PAGE} />;
}
