import { useQuery } from "@tanstack/react-query";
import { queries } from "./queries";

/** The assistants' names by id: a line knows only the id until its assistant has been looked at. */
export function useAssistantNames(): Map<string, string> {
  const { data } = useQuery(queries.assistants());
  return new Map(data?.map(({ id, name }) => [id, name]));
}
