import { Badge, type BadgeProps } from "@mantine/core";

export type Tone = "green" | "red" | "yellow" | "gray" | "blue" | "brand";

/** A word on a tint of its colour, readable in both themes. */
export function ToneBadge({ tone, ...badge }: BadgeProps & { tone: Tone; tabIndex?: number }) {
  return <Badge color={tone} className={`tone-${tone}`} {...badge} />;
}
