import { Card, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { PageHeader } from "../ui/page-header";
import { FactorsSection } from "./account/factors";
import { PasswordSection } from "./account/password";
import { ProfileSection } from "./account/profile";
import { SessionsSection } from "./account/sessions";

/** What belongs to a person rather than to an organisation. */
export function AccountPage() {
  const { t } = useTranslation();
  return (
    <>
      <PageHeader title={t("account.title")} lead={t("account.lead")} />
      <Stack gap="lg">
        <Section title={t("account.profile")}>
          <ProfileSection />
        </Section>
        <Section title={t("account.factors")} lead={t("account.factors_lead")}>
          <FactorsSection />
        </Section>
        <Section title={t("account.password")} lead={t("account.password_lead")}>
          <PasswordSection />
        </Section>
        <Section title={t("account.sessions")} lead={t("account.sessions_lead")}>
          <SessionsSection />
        </Section>
      </Stack>
    </>
  );
}

function Section({ title, lead, children }: { title: string; lead?: string; children: ReactNode }) {
  return (
    <Card component="section">
      <Title order={2} size="h4">
        {title}
      </Title>
      {lead && (
        <Text size="sm" c="dimmed" mt={4}>
          {lead}
        </Text>
      )}
      <Stack mt="md">{children}</Stack>
    </Card>
  );
}
