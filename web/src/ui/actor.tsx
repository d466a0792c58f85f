import { useTranslation } from "react-i18next";

/** How the server tells of who did something; its document says no more of it than that it is an object. */
type Actor = { kind: "member" | "token" | "system" | "outside"; name?: string };

/** Who did something, in words: a person, a program of theirs, Dialtone itself, or somebody that Dialtone cannot see. */
export function useActorName(): (actor: object) => string {
  const { t } = useTranslation();
  return (actor) => {
    const { kind, name = "" } = actor as Actor;
    switch (kind) {
      case "member":
        return name;
      case "token":
        return t("actor.token", { name });
      case "system":
        return t("app.name");
      case "outside":
        return t("actor.outside");
    }
  };
}
