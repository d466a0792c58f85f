import { ActionIcon, Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconDeviceMobile, IconFingerprint, IconLifebuoy, IconPencil, IconShieldLock, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { ComponentType, ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { canUsePasskeys } from "../../api/passkey";
import { queries } from "../../api/queries";
import { hasFactor } from "../../api/session";
import type { Factors } from "../../api/types";
import { FactorDialog } from "../../forms/factor-dialog";
import { useAge } from "../../ui/age";
import { ListSkeleton } from "../../ui/data-table";
import { ProblemAlert } from "../../ui/problem-alert";
import { useUrlState } from "../../util/url-state";

/** What proves, besides the password, that it is the person. */
export function FactorsSection() {
  const { t } = useTranslation();
  const [dialog, setDialog] = useUrlState("factor");
  const { data, error, isPending, refetch } = useQuery(queries.factors());
  return (
    <>
      {isPending && <ListSkeleton />}
      <ProblemAlert error={error} retry={() => void refetch()} />
      {data?.required && !hasFactor(data) && (
        <Alert color="yellow" icon={<IconShieldLock />} title={t("factors.required_title")}>
          {t("factors.required")}
        </Alert>
      )}
      {data && <FactorList factors={data} open={setDialog} />}
      {data && dialog !== null && <FactorDialog key={dialog} dialog={dialog} factors={data} onClose={() => setDialog(null)} />}
    </>
  );
}

function FactorList({ factors, open }: { factors: Factors; open: (dialog: string) => void }) {
  const { t } = useTranslation();
  const withPasskeys = factors.passkeys_available && canUsePasskeys();
  return (
    <Stack gap="lg">
      <Factor
        Icon={IconDeviceMobile}
        title={t("factors.totp")}
        text={factors.totp ? t("factors.totp_on") : t("factors.totp_off")}
        action={
          <Button size="xs" variant="default" onClick={() => open(factors.totp ? "totp_remove" : "totp")}>
            {factors.totp ? t("factors.totp_remove") : t("factors.totp_add")}
          </Button>
        }
      />
      <Factor
        Icon={IconFingerprint}
        title={t("factors.passkeys")}
        text={withPasskeys ? t("factors.passkeys_text") : t("factors.passkeys_unavailable")}
        action={
          withPasskeys && (
            <Button size="xs" variant="default" onClick={() => open("passkey")}>
              {t("factors.passkey_add")}
            </Button>
          )
        }
      >
        <Passkeys passkeys={factors.passkeys} open={open} />
      </Factor>
      {hasFactor(factors) && (
        <Factor
          Icon={IconLifebuoy}
          title={t("factors.codes")}
          text={t("factors.codes_left", { count: factors.recovery_codes })}
          action={
            <Button size="xs" variant="default" onClick={() => open("codes")}>
              {t("factors.codes_renew")}
            </Button>
          }
        />
      )}
    </Stack>
  );
}

type FactorProps = {
  Icon: ComponentType<{ size: number; "aria-hidden": true }>;
  title: string;
  text: string;
  action: ReactNode;
  children?: ReactNode;
};

function Factor({ Icon, title, text, action, children }: FactorProps) {
  return (
    <Group align="flex-start" wrap="nowrap" gap="md">
      <Icon size={24} aria-hidden />
      <Stack gap="xs" flex={1}>
        <Group justify="space-between" align="flex-start">
          <Stack gap={2} flex="1 1 220px">
            <Text fw={600}>{title}</Text>
            <Text size="sm" c="dimmed">
              {text}
            </Text>
          </Stack>
          {action}
        </Group>
        {children}
      </Stack>
    </Group>
  );
}

function Passkeys({ passkeys, open }: { passkeys: Factors["passkeys"]; open: (dialog: string) => void }) {
  const { t } = useTranslation();
  const age = useAge();
  return passkeys.map(({ id, name, created_at, last_used_at }) => (
    <Group key={id} justify="space-between" wrap="nowrap" data-passkey={id}>
      <Stack gap={0} miw={0}>
        <Text size="sm" fw={550} truncate>
          {name}
        </Text>
        <Text size="xs" c="dimmed">
          {t("factors.passkey_created", { age: age(created_at) })}
          {" · "}
          {last_used_at ? t("factors.passkey_used", { age: age(last_used_at) }) : t("factors.passkey_unused")}
        </Text>
      </Stack>
      <Group gap={4} wrap="nowrap">
        <ActionIcon variant="subtle" color="gray" aria-label={`${t("factors.rename")}: ${name}`} onClick={() => open(`passkey_rename.${id}`)}>
          <IconPencil size={18} />
        </ActionIcon>
        <ActionIcon variant="subtle" color="red" aria-label={`${t("action.remove")}: ${name}`} onClick={() => open(`passkey_remove.${id}`)}>
          <IconTrash size={18} />
        </ActionIcon>
      </Group>
    </Group>
  ));
}
