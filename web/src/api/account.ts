import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { paths } from "../util/paths";
import { api, body } from "./client";
import { queries } from "./queries";
import { useAction } from "./use-action";

/** Signs out, and leads to the sign-in page, or stays where one is as a stranger. */
export function useSignOut({ stay = false } = {}) {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useAction(() => body(api.DELETE("/api/v1/session")), {
    stale: [],
    onDone: () => {
      if (stay) return window.location.reload();
      void navigate(paths.signIn());
      client.clear();
    },
  });
}

/** Works in another of one's organisations: nothing that was read in the one before is kept. */
export function useSwitch() {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useAction(
    async (organisation_id: string) =>
      (await body(api.POST("/api/v1/session/organisation", { body: { organisation_id } }))).session,
    {
      stale: [],
      onDone: (session) => {
        // What is still being asked was asked with the secret before.
        void client.cancelQueries({ queryKey: queries.session().queryKey });
        client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "session" });
        client.setQueryData(queries.session().queryKey, session);
        void navigate(paths.lines(), { replace: true });
      },
    },
  );
}
