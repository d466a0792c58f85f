import { Alert, Anchor, Group, Stack, Text } from "@mantine/core";
import { IconLock, IconPlayerPause, IconPlugConnectedX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, body } from "../api/client";
import { queries } from "../api/queries";
import { useSession } from "../api/session";
import { useAction } from "../api/use-action";
import { paths } from "../util/paths";
import { useUrlState } from "../util/url-state";
import { ConfirmModal } from "./confirm-modal";
import { GuardedButton } from "./guarded-button";
import { notify } from "./notify";

/** What everybody has to know, whatever they are looking at: the server is held back, sealed, or cut off. */
export function Banners() {
  const { data } = useQuery(queries.readiness());
  return (
    <Stack gap="sm" maw={1080} mx="auto" className="banners">
      {data?.checks.master_key === "sealed" && <SealedBanner />}
      {data?.checks.effects === "held_back" && <FencedBanner />}
      <OutageBanners />
    </Stack>
  );
}

function SealedBanner() {
  const { t } = useTranslation();
  return (
    <Alert color="red" icon={<IconLock />} title={t("banner.sealed_title")} data-banner="sealed">
      {t("banner.sealed_text")}
    </Alert>
  );
}

/** A restored backup beside a running original would do everything twice, so an owner says that there is none. */
function FencedBanner() {
  const { t } = useTranslation();
  const { name } = useSession().organisation;
  const [asking, setAsking] = useUrlState("fence");
  const lift = useAction(() => body(api.DELETE("/api/v1/instance/fence")), {
    stale: ["readiness"],
    onDone: () => {
      notify(t("banner.fence_lifted"));
      setAsking(null);
    },
  });
  return (
    <Alert color="yellow" icon={<IconPlayerPause />} title={t("banner.fenced_title")} data-banner="fenced">
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{t("banner.fenced_text")}</Text>
        <GuardedButton permission="instance.change" size="xs" variant="default" onClick={() => setAsking("")}>
          {t("banner.fence_lift")}
        </GuardedButton>
      </Stack>
      {asking !== null && (
        <ConfirmModal
          title={t("banner.fence_title")}
          text={t("banner.fence_text")}
          action={t("banner.fence_lift")}
          phrase={{ label: t("banner.fence_confirm", { name }), value: name }}
          busy={lift.isPending}
          error={lift.error}
          onConfirm={() => lift.mutate()}
          onClose={() => setAsking(null)}
        />
      )}
    </Alert>
  );
}

function OutageBanners() {
  const { t } = useTranslation();
  const { data } = useQuery(queries.openAlerts());
  return data
    ?.filter(({ kind }) => kind === "provider_down")
    .map(({ id, title, detail }) => (
      <Alert key={id} color="yellow" icon={<IconPlugConnectedX />} title={title} data-banner="provider_down">
        <Group gap="md">
          <Text size="sm" flex="1 1 20rem">
            {detail}
          </Text>
          <Anchor component={Link} to={paths.alerts()} size="sm">
            {t("nav.alerts")}
          </Anchor>
        </Group>
      </Alert>
    ));
}
