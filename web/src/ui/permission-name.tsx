import { useTranslation } from "react-i18next";
import en from "../locales/en.json";

type Named = keyof typeof en.permission;

/** A permission in words; one that a newer server has and this page does not know keeps its name. */
export function usePermissionName(): (permission: string) => string {
  const { t } = useTranslation();
  return (permission) => {
    const key = permission.replaceAll(".", "_");
    return key in en.permission ? t(`permission.${key as Named}`) : permission;
  };
}
