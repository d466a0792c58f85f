import { Card, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import type { ComponentType, ReactNode } from "react";

type Props = { Icon: ComponentType<{ size?: number }>; title: string; text: string; action?: ReactNode };

/** What a list shows while it is empty: what would be here, and the next action. */
export function EmptyState({ Icon, title, text, action }: Props) {
  return (
    <Card py={48}>
      <Stack align="center" gap="sm" maw={460} mx="auto" ta="center">
        <ThemeIcon size={52} radius="xl" variant="light" aria-hidden>
          <Icon size={26} />
        </ThemeIcon>
        <Title order={2} size="h4">
          {title}
        </Title>
        <Text c="dimmed" size="sm">
          {text}
        </Text>
        {action}
      </Stack>
    </Card>
  );
}
