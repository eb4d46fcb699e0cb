/** What the screens read, each with the key under which events make it stale. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { act, read } from "./client";
import { cache, useAccount } from "./node";
import type { ConversationView, Post } from "./schema";

export function useConversations(archived = false) {
  const account = useAccount();
  return useQuery({
    queryKey: ["conversations", account, archived],
    queryFn: () => read("/api/conversations", { account, archived }),
  });
}

export function useConversation(id: string) {
  const account = useAccount();
  return useQuery({
    queryKey: ["conversations", account, "one", id],
    queryFn: () => readOne(account, id),
    initialData: () => known(account, id),
    enabled: id !== "",
  });
}

const readOne = (account: string, id: string) => read("/api/conversations/{conversation_id}", { account }, { conversation_id: id });

/** The list has each conversation whole: opening one waits for nothing. */
function known(account: string, id: string): ConversationView | undefined {
  const lists = [false, true].map((archived) => cache.getQueryData<{ items: ConversationView[] }>(["conversations", account, archived]));
  return lists.flatMap((list) => list?.items ?? []).find((one) => one.id === id);
}

export function useContacts() {
  const account = useAccount();
  return useQuery({ queryKey: ["contacts", account], queryFn: () => read("/api/contacts", { account }) });
}

export function useContact(who: string) {
  const account = useAccount();
  return useQuery({
    queryKey: ["contacts", account, "one", who],
    queryFn: () => read("/api/contacts/{who}", { account }, { who }),
    enabled: who !== "",
  });
}

export function useRequests() {
  const account = useAccount();
  return useQuery({ queryKey: ["requests", account], queryFn: () => read("/api/requests", { account }) });
}

export function useGroup(id: string, enabled = true) {
  const account = useAccount();
  return useQuery({
    queryKey: ["groups", account, id],
    queryFn: () => read("/api/groups/{group}", { account }, { group: id }),
    enabled: enabled && id !== "",
  });
}

export function useDevices() {
  const account = useAccount();
  return useQuery({ queryKey: ["devices", account], queryFn: () => read("/api/devices", { account }) });
}

type Body<P extends keyof Post> = Omit<Post[P]["takes"], "account">;

/** An act of the account that is shown; what it changed is told by events, and `then` is what to do at once. */
export function useAct<P extends keyof Post>(path: P, stale: string[], then?: (answer: Post[P]["answers"]) => void) {
  const account = useAccount();
  return useMutation({
    mutationFn: (body: Body<P>) => act(path, { ...body, account } as Post[P]["takes"]),
    onSuccess: (answer) => {
      for (const name of stale) void cache.invalidateQueries({ queryKey: [name] });
      then?.(answer);
    },
  });
}
