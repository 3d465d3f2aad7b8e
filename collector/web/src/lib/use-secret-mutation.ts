import { useMutation, type UseMutationResult } from "@tanstack/react-query";

interface Options<T, V> {
  mutationFn: (sent: V) => Promise<T>;
  onSuccess: (answer: T) => Promise<void> | void;
}

/**
 * A mutation that sends or brings a secret. Neither what was sent nor the answer stays in memory: not
 * once it came through, and not once what asked for it is gone.
 */
export function useSecretMutation<T, V = void>({ mutationFn, onSuccess }: Options<T, V>): UseMutationResult<T, Error, V> {
  const mutation: UseMutationResult<T, Error, V> = useMutation({
    mutationFn,
    // Otherwise it is kept for minutes, for pages that come back.
    gcTime: 0,
    onSuccess: async (answer: T) => {
      mutation.reset();
      await onSuccess(answer);
    },
  });
  return mutation;
}
