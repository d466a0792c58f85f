import { Button, Center, Loader, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { useSignOut, useSwitch } from "../api/account";
import { api, body } from "../api/client";
import { fieldErrors, isSignedOut } from "../api/problem";
import { queries } from "../api/queries";
import type { OpenInvitation } from "../api/types";
import { useAction } from "../api/use-action";
import { NewPassword } from "../forms/new-password";
import { FrontDoor } from "../ui/front-door";
import { ProblemAlert } from "../ui/problem-alert";
import { paths } from "../util/paths";

/** Where the link of an invitation leads: to a new account, or into another organisation of an old one. */
export function InvitationPage() {
  const { t } = useTranslation();
  const { secret = "" } = useParams();
  const invitation = useQuery(queries.invitation(secret));
  const session = useQuery(queries.session());
  const open = invitation.data;
  const title = open ? t("invitation.title", { organisation: open.organisation }) : t("invitation.title_loading");
  const lead = open ? t("invitation.lead", { name: open.invited_by, role: t(`role.${open.role}`) }) : "";
  const isKnown = session.data !== undefined || isSignedOut(session.error);
  return (
    <FrontDoor title={title} lead={lead}>
      <ProblemAlert error={invitation.error} title={t("invitation.failed")} />
      {invitation.isPending || (!invitation.error && !isKnown) ? (
        <Center role="status">
          <Loader aria-label={t("app.loading")} />
        </Center>
      ) : (
        open && <Answer secret={secret} invitation={open} email={isSignedOut(session.error) ? null : (session.data?.member.email ?? null)} />
      )}
    </FrontDoor>
  );
}

/** What the invited person can do, by who is signed in here. */
function Answer({ secret, invitation, email }: { secret: string; invitation: OpenInvitation; email: string | null }) {
  const { t } = useTranslation();
  const signOut = useSignOut({ stay: true });
  if (email === invitation.email) return <Accept secret={secret} />;
  if (email !== null) {
    return (
      <Stack>
        <Text size="sm">{t("invitation.other", { invited: invitation.email, email })}</Text>
        <ProblemAlert error={signOut.error} />
        <Button variant="default" loading={signOut.isPending} onClick={() => signOut.mutate()}>
          {t("app.sign_out")}
        </Button>
      </Stack>
    );
  }
  if (!invitation.known) return <Join secret={secret} email={invitation.email} />;
  return (
    <Stack>
      <Text size="sm">{t("invitation.known", { email: invitation.email })}</Text>
      {/* Not in the address: it would be in the server's logs. */}
      <Button component={Link} to={paths.signIn()} state={{ next: paths.invitation(secret) }}>
        {t("invitation.sign_in")}
      </Button>
    </Stack>
  );
}

function Accept({ secret }: { secret: string }) {
  const { t } = useTranslation();
  const change = useSwitch();
  const accept = useAction(() => body(api.POST("/api/v1/invitation/accept", { body: { secret } })), {
    stale: [],
    onDone: ({ organisation_id }) => change.mutate(organisation_id),
  });
  return (
    <Stack>
      <ProblemAlert error={accept.error ?? change.error} title={t("invitation.failed")} />
      <Button loading={accept.isPending || change.isPending} onClick={() => accept.mutate(undefined)}>
        {t("invitation.accept")}
      </Button>
    </Stack>
  );
}

function Join({ secret, email }: { secret: string; email: string }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const form = useForm({ mode: "uncontrolled", initialValues: { name: "", password: "" } });
  const join = useAction(
    (values: typeof form.values) => body(api.POST("/api/v1/invitation/join", { body: { secret, ...values } })),
    {
      stale: [],
      onDone: ({ signed_in }) => {
        client.removeQueries({ queryKey: queries.session().queryKey });
        void navigate(signed_in ? paths.lines() : paths.signIn(), { replace: true });
      },
    },
  );
  const submit = form.onSubmit((values) => join.mutate(values, { onError: (error) => form.setErrors(fieldErrors(error)) }));
  return (
    <form onSubmit={submit}>
      <Stack>
        <ProblemAlert error={join.error} title={t("invitation.failed")} />
        <TextInput label={t("sign_in.email")} type="email" autoComplete="username" readOnly value={email} />
        <TextInput
          label={t("first_run.name")}
          required
          autoFocus
          autoComplete="name"
          key={form.key("name")}
          {...form.getInputProps("name")}
        />
        <NewPassword
          label={t("first_run.password")}
          key={form.key("password")}
          {...form.getInputProps("password")}
        />
        <Button type="submit" loading={join.isPending} fullWidth mt="xs">
          {t("invitation.join")}
        </Button>
      </Stack>
    </form>
  );
}
