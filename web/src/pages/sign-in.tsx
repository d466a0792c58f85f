import { Alert, Anchor, Button, Divider, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconFingerprint, IconLinkOff, IconLogin2 } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation, useNavigate, useSearchParams } from "react-router";
import { api, body } from "../api/client";
import { canUsePasskeys, signInByPasskey } from "../api/passkey";
import { queries } from "../api/queries";
import type { Session } from "../api/types";
import { useAction } from "../api/use-action";
import { FrontDoor } from "../ui/front-door";
import { ProblemAlert } from "../ui/problem-alert";
import { paths, safeNext } from "../util/paths";
import { type OpenStep, SecondStep, stepOfAddress } from "./sign-in/second-step";

export function SignInPage() {
  const { t } = useTranslation();
  const { hash } = useLocation();
  const [step, setStep] = useState<OpenStep | null>(() => stepOfAddress(hash));
  const enter = useEnter();
  if (step) return <SecondStep step={step} onDone={enter} onBack={() => setStep(null)} />;
  return (
    <FrontDoor title={t("sign_in.title")} lead={t("sign_in.lead")}>
      <Stack>
        <WhatHappened />
        <PasswordStep onDone={enter} onSecondStep={setStep} />
        <OtherWays onDone={enter} />
      </Stack>
    </FrontDoor>
  );
}

/** Lets in who has just signed in, to where they wanted to go. */
function useEnter(): (session: Session) => void {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const { state } = useLocation() as { state: { next?: string } | null };
  return (session) => {
    client.setQueryData(queries.session().queryKey, session);
    void navigate(safeNext(state?.next ?? params.get("next")), { replace: true });
  };
}

const PROBLEMS = ["cross_site", "oidc_refused", "oidc_unknown", "oidc_unavailable"] as const;

/** Why a link or a provider did not sign anybody in: the server led here and names it in the address. */
function WhatHappened() {
  const { t } = useTranslation();
  const [params] = useSearchParams();
  const problem = PROBLEMS.find((known) => known === params.get("problem"));
  if (params.get("link") === "used") {
    return (
      <Alert color="yellow" icon={<IconLinkOff />} title={t("sign_in.link_used_title")}>
        {t("sign_in.link_used")}
      </Alert>
    );
  }
  return (
    problem && (
      <Alert color="yellow" icon={<IconLinkOff />} title={t("sign_in.failed")} data-code={problem}>
        {t(`sign_in.problem_${problem}`)}
      </Alert>
    )
  );
}

type Ways = { onDone: (session: Session) => void; onSecondStep: (step: OpenStep) => void };

function PasswordStep({ onDone, onSecondStep }: Ways) {
  const { t } = useTranslation();
  const form = useForm({ mode: "uncontrolled", initialValues: { email: "", password: "" } });
  const signIn = useAction((values: typeof form.values) => body(api.POST("/api/v1/session", { body: values })), {
    stale: [],
    onDone: (answer) => ("second_factor" in answer ? onSecondStep(answer.second_factor) : onDone(answer.session)),
  });
  return (
    <form onSubmit={form.onSubmit((values) => signIn.mutate(values))}>
      <Stack>
        <ProblemAlert error={signIn.error} title={t("sign_in.failed")} />
        <TextInput
          label={t("sign_in.email")}
          type="email"
          autoComplete="username"
          required
          withAsterisk={false}
          autoFocus
          key={form.key("email")}
          {...form.getInputProps("email")}
        />
        <PasswordInput
          label={t("sign_in.password")}
          autoComplete="current-password"
          required
          withAsterisk={false}
          key={form.key("password")}
          {...form.getInputProps("password")}
        />
        <Button type="submit" loading={signIn.isPending} fullWidth mt="xs">
          {t("sign_in.submit")}
        </Button>
        <Anchor component={Link} to={paths.askReset()} size="sm" ta="center">
          {t("sign_in.forgot")}
        </Anchor>
      </Stack>
    </form>
  );
}

/** A passkey, and the OpenID provider: as far as this server and this browser know them. */
function OtherWays({ onDone }: Pick<Ways, "onDone">) {
  const { t } = useTranslation();
  const methods = useQuery(queries.signInMethods());
  const passkey = useAction(signInByPasskey, { stale: [], onDone: ({ session }) => onDone(session) });
  const withPasskey = methods.data?.passkey === true && canUsePasskeys();
  const openid = methods.data?.openid;
  if (!withPasskey && !openid) return null;
  return (
    <Stack>
      <Divider label={t("sign_in.or")} />
      <ProblemAlert error={passkey.error} title={t("sign_in.failed")} />
      {withPasskey && (
        <Button
          variant="default"
          leftSection={<IconFingerprint size={18} aria-hidden />}
          loading={passkey.isPending}
          onClick={() => passkey.mutate(undefined)}
        >
          {t("sign_in.by_passkey")}
        </Button>
      )}
      {openid && (
        <Button component="a" href={openid.url} variant="default" leftSection={<IconLogin2 size={18} aria-hidden />}>
          {t("sign_in.by_openid", { name: openid.name })}
        </Button>
      )}
    </Stack>
  );
}
