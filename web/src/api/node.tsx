/** What the app holds of the node: one cache, filled by reading, refreshed by events, equal in all tabs. */
import { QueryClient, queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { dropLog, logKey, patchState, readAgain } from "../chats/log";
import { ApiError, onLocked, read } from "./client";
import { EventStream, type LinkToNode } from "./events";
import type { AccountView, EventView } from "./schema";

export const cache = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY, // events say when something has changed
      retry: (count, error) => count < 3 && error instanceof ApiError && error.retryable,
      retryDelay: 500,
      networkMode: "always", // the node is on this machine: the network's state means nothing
      refetchOnWindowFocus: false,
    },
    mutations: { networkMode: "always" },
  },
});

interface Hold {
  link: LinkToNode;
  account: AccountView | null;
  accounts: AccountView[] | undefined;
  choose: (address: string) => void;
}

const Context = createContext<Hold | null>(null);
const CHOSEN = "connexa.account";
const TOGETHER_MS = 40;

export const accountsQuery = queryOptions({ queryKey: ["accounts"], queryFn: () => read("/api/accounts", {}) });
export const statusQuery = queryOptions({ queryKey: ["status"], queryFn: () => read("/api/status", {}) });

export function NodeProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [link, setLink] = useState<LinkToNode>("connecting");
  const [chosen, choose] = useState(() => localStorage.getItem(CHOSEN) ?? "");
  useEffect(() => onLocked(() => setLink("locked")), []);
  useEffect(() => {
    const refresh = gather(client);
    const stream = new EventStream(refresh.take, (state) => {
      setLink(state);
      if (state === "up") void client.invalidateQueries();
    });
    return () => stream.end();
  }, [client]);
  const accounts = useQuery(accountsQuery).data?.items;
  const hold = useMemo(() => {
    const active = accounts?.find((one) => one.address === chosen) ?? accounts?.[0] ?? null;
    const keep = (address: string) => {
      localStorage.setItem(CHOSEN, address);
      choose(address);
    };
    return { link, account: active, accounts, choose: keep };
  }, [link, accounts, chosen]);
  return <Context value={hold}>{children}</Context>;
}

export function useNode(): Hold {
  const hold = useContext(Context);
  if (!hold) throw new Error("useNode stands outside of NodeProvider");
  return hold;
}

/** The address of the account that is shown; screens that need one are only drawn with one. */
export function useAccount(): string {
  return useNode().account?.address ?? "";
}

const CHANGES: [RegExp, string[]][] = [
  [/^(message|conversation|contact|group|trust|request|session|device)\./, ["conversations"]],
  [/^(contact|trust|request|session|device)\./, ["contacts"]],
  [/^(request|contact)\./, ["requests"]],
  [/^(contact|request)\./, ["invites"]],
  [/^(group|contact|trust)\./, ["groups"]],
  [/^(device|account)\./, ["devices"]],
  [
    /^(account|link|recovery|backup|history|device|message\.state|message\.new|message\.undecryptable|conversation\.read|store)/,
    ["accounts", "status"],
  ],
  [/^(recovery|backup)\./, ["recovery", "backup"]],
  [/^message\.(device|seen|state)/, ["message"]],
];

/** Events come in bursts: what they change is read once a burst. */
function gather(client: QueryClient) {
  const stale = new Set<string>();
  const logs = new Map<string, [string, string]>();
  const flush = () => {
    for (const name of stale) void client.invalidateQueries({ queryKey: [name] });
    for (const [account, conversation] of logs.values()) void client.invalidateQueries({ queryKey: logKey(account, conversation) });
    stale.clear();
    logs.clear();
  };
  const take = (event: EventView) => {
    const first = stale.size === 0 && logs.size === 0;
    const conversation = typeof event.fields.conversation === "string" ? event.fields.conversation : "";
    if (event.kind === "message.state") patchState(client, event.account, conversation, event.fields);
    else if (event.kind === "message.changed" && typeof event.fields.id === "string")
      readAgain(client, event.account, conversation, event.fields.id).catch(() => logs.set(conversation, [event.account, conversation]));
    else if (conversation && /^(message|conversation|group)\./.test(event.kind)) logs.set(conversation, [event.account, conversation]);
    else if (/^(contact|trust|history|account)\./.test(event.kind)) dropLog(client, event.account, logs);
    for (const [kind, names] of CHANGES) if (kind.test(event.kind)) for (const name of names) stale.add(name);
    if (first) window.setTimeout(flush, TOGETHER_MS);
  };
  return { take };
}
