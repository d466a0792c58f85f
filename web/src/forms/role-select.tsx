import { Select, type SelectProps, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useSession } from "../api/session";
import { ROLES, type Role } from "../api/types";

/** The roles that the signed-in member may grant: their own and those below it. */
export function useGrantableRoles(): readonly Role[] {
  const { member } = useSession();
  return ROLES.slice(ROLES.indexOf(member.role));
}

export function RoleSelect(props: Omit<SelectProps, "data" | "renderOption">) {
  const { t } = useTranslation();
  const roles = useGrantableRoles();
  return (
    <Select
      allowDeselect={false}
      data={roles.map((value) => ({ value, label: t(`role.${value}`) }))}
      renderOption={({ option }) => (
        <div>
          <Text size="sm">{option.label}</Text>
          <Text size="xs" c="dimmed">
            {t(`role.${option.value as Role}_hint`)}
          </Text>
        </div>
      )}
      comboboxProps={{ width: 280, position: "bottom-start" }}
      {...props}
    />
  );
}
