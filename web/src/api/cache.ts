import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ProblemError, isFactorNeeded, isSignedOut } from "./problem";
import { queries } from "./queries";

const sessionKey = queries.session().queryKey;

// A session that ended meanwhile shows as a refused request: asking for the session again leads to the sign-in page.
function onError(error: unknown, key?: readonly unknown[]) {
  if (isSignedOut(error) && key?.[0] !== sessionKey[0]) void client.invalidateQueries({ queryKey: sessionKey });
  // Then only the page where one can be added answers: the frame leads there.
  if (isFactorNeeded(error)) void client.prefetchQuery({ ...queries.factors(), staleTime: 0 });
}

/** Every answer that the pages hold. */
export const client: QueryClient = new QueryClient({
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
