import { useSearchParams } from "react-router";

/** A part of the page's state that lives in the address: a dialog's, a tab's. `null` is "not there". */
export function useUrlState(name: string): [string | null, (value: string | null) => void] {
  const [params, setParams] = useSearchParams();
  const set = (value: string | null) =>
    setParams((before) => {
      const after = new URLSearchParams(before);
      if (value === null) after.delete(name);
      else after.set(name, value);
      return after;
    });
  return [params.get(name), set];
}
