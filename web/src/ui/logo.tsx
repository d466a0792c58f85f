import { Group, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

export function Logo({ size = 28 }: { size?: number }) {
  const { t } = useTranslation();
  return (
    <Group gap="xs" wrap="nowrap">
      <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="8" fill="#0b7a75" />
        <path
          d="M6 17h3.2l2-7 3.6 13 3.6-15 2.9 11 1.4-2H26"
          fill="none"
          stroke="#fff"
          strokeWidth="2.4"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </svg>
      <Text fw={700} fz={size * 0.66} lh={1} component="span">
        {t("app.name")}
      </Text>
    </Group>
  );
}
