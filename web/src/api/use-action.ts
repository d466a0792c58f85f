import { useMutation, useQueryClient } from "@tanstack/react-query";

/**
 * A change that a page can make: `send` does it, then the answers that it made stale are read again, then `onDone` runs.
 * The error stays in the result, for the one place in the page that shows it.
 */
export function useAction<Input, Output>(
  send: (input: Input) => Promise<Output>,
  { stale, onDone }: { stale: readonly string[]; onDone?: (output: Output, input: Input) => void },
) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: send,
    onSuccess: (output, input) => onDone?.(output, input),
    // Also after a failure: a provider may have been changed before the step that failed.
    onSettled: () => Promise.all(stale.map((key) => client.invalidateQueries({ queryKey: [key] }))),
  });
}
