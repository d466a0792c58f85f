import { Container } from "@mantine/core";
import { useRouteError } from "react-router";
import { ProblemAlert } from "../ui/problem-alert";

/** What is left when a page itself fails: words and a way out instead of a blank screen. */
export function CrashPage() {
  const error = useRouteError();
  return (
    <Container size="xs" py="xl">
      <ProblemAlert error={error} retry={() => window.location.reload()} />
    </Container>
  );
}
