import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Navigate, createBrowserRouter, useLocation } from "react-router";
import { Center, Container, Loader } from "@mantine/core";
import { isSignedOut } from "./api/problem";
import { queries } from "./api/queries";
import { AssistantsPage } from "./pages/assistants";
import { CrashPage } from "./pages/crash";
import { FirstRunPage } from "./pages/first-run";
import { LinePage } from "./pages/line";
import { LinesPage } from "./pages/lines";
import { NotFoundPage } from "./pages/not-found";
import { SettingsPage } from "./pages/settings";
import { SignInPage } from "./pages/sign-in";
import { ProblemAlert } from "./ui/problem-alert";
import { Shell } from "./ui/shell";
import { paths } from "./util/paths";

/** Lets only a signed-in member pass; others go to sign in, or on a new server to its set-up. */
function Guard() {
  const { t } = useTranslation();
  const { pathname, search } = useLocation();
  const session = useQuery(queries.session());
  const signedOut = isSignedOut(session.error);
  const setup = useQuery({ ...queries.setupNeeded(), enabled: signedOut });
  if (session.data && !signedOut) return <Shell />;
  if (signedOut && setup.data?.setup_needed) return <Navigate to={paths.setup()} replace />;
  if (signedOut && !setup.isPending) return <Navigate to={paths.signIn(pathname + search)} replace />;
  if (session.error && !signedOut) {
    return (
      <Container size="xs" py="xl">
        <ProblemAlert error={session.error} retry={() => void session.refetch()} />
      </Container>
    );
  }
  return (
    <Center mih="100dvh" role="status">
      <Loader aria-label={t("app.loading")} />
    </Center>
  );
}

export const router = createBrowserRouter([
  { path: "/sign-in", element: <SignInPage />, errorElement: <CrashPage /> },
  { path: "/setup", element: <FirstRunPage />, errorElement: <CrashPage /> },
  {
    element: <Guard />,
    errorElement: <CrashPage />,
    children: [
      { index: true, element: <Navigate to={paths.lines()} replace /> },
      { path: "/lines", element: <LinesPage /> },
      { path: "/lines/:line", element: <LinePage /> },
      { path: "/assistants", element: <AssistantsPage /> },
      { path: "/settings", element: <Navigate to={paths.settings()} replace /> },
      { path: "/settings/:section", element: <SettingsPage /> },
      { path: "*", element: <NotFoundPage /> },
    ],
  },
]);
