import { useQuery } from "@tanstack/react-query";
import type { ComponentType } from "react";
import { useTranslation } from "react-i18next";
import { Navigate, Outlet, type RouteObject, createBrowserRouter, useLocation } from "react-router";
import { Center, Container, Loader } from "@mantine/core";
import { client } from "./api/cache";
import { isSignedOut } from "./api/problem";
import { queries } from "./api/queries";
import { CrashPage } from "./pages/crash";
import { SignInPage } from "./pages/sign-in";
import { ProblemAlert } from "./ui/problem-alert";
import { paths } from "./util/paths";

/** Lets only a signed-in member pass; others go to sign in, or on a new server to its set-up. */
function Guard() {
  const { pathname, search } = useLocation();
  const session = useQuery(queries.session());
  const signedOut = isSignedOut(session.error);
  const setup = useQuery({ ...queries.setupNeeded(), enabled: signedOut });
  if (session.data && !signedOut) return <Outlet key={session.data.organisation.id} />;
  if (signedOut && setup.data?.setup_needed) return <Navigate to={paths.setup()} replace />;
  if (signedOut && !setup.isPending) return <Navigate to={paths.signIn(pathname + search)} replace />;
  if (session.error && !signedOut) {
    return (
      <Container size="xs" py="xl">
        <ProblemAlert error={session.error} retry={() => void session.refetch()} />
      </Container>
    );
  }
  return <Loading />;
}

function Loading() {
  const { t } = useTranslation();
  return (
    <Center mih="100dvh" role="status">
      <Loader aria-label={t("app.loading")} />
    </Center>
  );
}

type Load = () => Promise<ComponentType>;

const lazily = (load: Load) => async () => ({ Component: await load() });

/** A page whose script is fetched when somebody goes there: the first script is for signing in alone. */
const page = (path: string, load: Load): RouteObject => ({ path, lazy: lazily(load) });

export const router = createBrowserRouter([
  {
    errorElement: <CrashPage />,
    HydrateFallback: Loading,
    children: [
      { path: "/sign-in", element: <SignInPage /> },
      page("/setup", async () => (await import("./pages/first-run")).FirstRunPage),
      page("/invitation/:secret", async () => (await import("./pages/invitation")).InvitationPage),
      page("/reset-password", async () => (await import("./pages/reset-password")).AskResetPage),
      page("/reset-password/:secret", async () => (await import("./pages/reset-password")).ResetPasswordPage),
      {
        element: <Guard />,
        // Asked while the scripts are still on their way, and not waited for: the guard does that.
        loader: () => void client.prefetchQuery(queries.session()),
        shouldRevalidate: () => false,
        children: [
          {
            lazy: lazily(async () => (await import("./ui/shell")).Shell),
            children: [
              { index: true, element: <Navigate to={paths.lines()} replace /> },
              page("/lines", async () => (await import("./pages/lines")).LinesPage),
              page("/lines/:line", async () => (await import("./pages/line")).LinePage),
              page("/assistants", async () => (await import("./pages/assistants")).AssistantsPage),
              page("/alerts", async () => (await import("./pages/alerts")).AlertsPage),
              page("/tape", async () => (await import("./pages/tape")).TapePage),
              page("/audit", async () => (await import("./pages/audit")).AuditPage),
              { path: "/settings", element: <Navigate to={paths.settings()} replace /> },
              page("/settings/:section", async () => (await import("./pages/settings")).SettingsPage),
              page("/account", async () => (await import("./pages/account")).AccountPage),
              page("*", async () => (await import("./pages/not-found")).NotFoundPage),
            ],
          },
        ],
      },
    ],
  },
]);
