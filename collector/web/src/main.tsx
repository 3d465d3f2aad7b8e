import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createRouter, RouterProvider } from "@tanstack/react-router";
import { createRoot } from "react-dom/client";
import { watchWayBack } from "./features/device/way-back";
import { Crash, NotFound } from "./features/shell/lost";
import { loadPartsWhenIdle } from "./features/shell/parts";
import { ApiError } from "./lib/api";
import { installNonce } from "./lib/csp";
import { Refused } from "./lib/guard";
import { reloadOnMissingParts } from "./lib/new-version";
import { keepLinkToken } from "./lib/screen-link";
import { watchPaper } from "./lib/theme";
import { startWorker } from "./lib/worker";
import { routeTree } from "./route-tree.gen";
import "./styles/app.css";

// Before anything else reads the address.
keepLinkToken();
installNonce();
reloadOnMissingParts();
watchPaper();
startWorker();

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // The stream says what changed; nothing is asked again because a window was focused.
      refetchOnWindowFocus: false,
      // A collector on the same network answers without the internet: the browser does not know.
      networkMode: "always",
      staleTime: 30_000,
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status >= 400),
    },
    mutations: { networkMode: "always" },
  },
});

const router = createRouter({
  routeTree,
  context: { queries },
  defaultPreload: "intent",
  defaultPreloadStaleTime: 0,
  defaultNotFoundComponent: NotFound,
  defaultErrorComponent: Crash,
  scrollRestoration: true,
});

loadPartsWhenIdle(router);
watchWayBack(router);

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root, {
  // A page that is not for one's role is an answer, not a fault.
  onCaughtError: (error) => error instanceof Refused || reportError(error),
}).render(
  <QueryClientProvider client={queries}>
    <RouterProvider router={router} />
  </QueryClientProvider>,
);
