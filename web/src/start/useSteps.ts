import { useMutation, useQueryClient } from "@tanstack/react-query";
import { router } from "../routes";

/** One step on the way to an account: once it is done the accounts are read anew, and the app goes on at `place`. */
export function useSteps(work: () => Promise<unknown>, place?: "/settings/words" | "/chats") {
  const client = useQueryClient();
  const step = useMutation({
    mutationFn: work,
    onSuccess: async () => {
      if (!place) return;
      await router.navigate({ to: place });
      await client.invalidateQueries({ queryKey: ["accounts"] });
    },
  });
  return { go: () => step.mutate(), busy: step.isPending, error: step.error };
}
