import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./app.css";
import "./i18n";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RouterProvider } from "react-router";
import { ProblemError, isSignedOut } from "./api/problem";
import { queries } from "./api/queries";
import { router } from "./routes";
import { theme } from "./theme";

const sessionKey = queries.session().queryKey;

// A session that ended meanwhile shows as a refused request: asking for the session again leads to the sign-in page.
function onError(error: unknown, key?: readonly unknown[]) {
  if (isSignedOut(error) && key?.[0] !== sessionKey[0]) void client.invalidateQueries({ queryKey: sessionKey });
}

const client: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: (error, query) => onError(error, query.queryKey) }),
  mutationCache: new MutationCache({ onError: (error) => onError(error) }),
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      // Only what may pass by itself is tried again: no answer, or an answer that is not a refusal.
      retry: (count, error) => count < 2 && !(error instanceof ProblemError && error.problem.status >= 400),
    },
  },
});

// The server makes a nonce for each page it sends: only style elements that carry it are taken. The second name is the
// one that the component kit's helper for modals looks for.
const nonce = document.querySelector<HTMLMetaElement>("meta[name=style-nonce]")?.content ?? "";
Object.assign(window, { __webpack_nonce__: nonce });

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");

createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
        <Notifications position="bottom-right" />
        <RouterProvider router={router} />
      </MantineProvider>
    </QueryClientProvider>
  </StrictMode>,
);
