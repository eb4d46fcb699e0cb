/** A conversation's log as the app holds it: one run of messages without holes, from some point back to the newest. */
import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { read } from "../api/client";
import type { EventView, MessageView } from "../api/schema";

export interface Log {
  items: MessageView[];
  older: boolean; // there is more before the first
}

const FIRST_PAGE = 60;
const OLDER_PAGE = 500;

export function logKey(account: string, conversation: string): string[] {
  return ["log", account, conversation];
}

export function logQuery(client: QueryClient, account: string, conversation: string) {
  const key = logKey(account, conversation);
  return queryOptions({
    queryKey: key,
    queryFn: async () => {
      const page = await readPage(account, conversation, undefined, FIRST_PAGE);
      return withNewest(client.getQueryData<Log>(key), page);
    },
    gcTime: 5 * 60_000,
  });
}

/** Put the newest page on what is known; where the two do not meet, what is known is let go. */
export function withNewest(known: Log | undefined, page: MessageView[]): Log {
  const first = page[0];
  const older = page.length === FIRST_PAGE;
  if (!known || !first || !older) return { items: page, older };
  const newest = known.items.at(-1);
  if (!newest || newest.cursor < first.cursor) return { items: page, older };
  return { items: [...known.items.filter((one) => one.cursor < first.cursor), ...page], older: known.older };
}

/** Read the page before the first message that is held. */
export async function readOlder(client: QueryClient, account: string, conversation: string): Promise<void> {
  const key = logKey(account, conversation);
  const before = client.getQueryData<Log>(key)?.items[0]?.cursor;
  if (before === undefined) return;
  const page = await readPage(account, conversation, before, OLDER_PAGE);
  client.setQueryData<Log>(key, (now) =>
    now && now.items[0]?.cursor === before ? { items: [...page, ...now.items], older: page.length === OLDER_PAGE } : now,
  );
}

async function readPage(account: string, conversation: string, before: number | undefined, limit: number): Promise<MessageView[]> {
  const asked = { account, limit, before };
  return (await read("/api/messages/{conversation_id}", asked, { conversation_id: conversation })).items;
}

/** Note in the log how far a message of ours has come: the event says it whole. */
export function patchState(client: QueryClient, account: string, conversation: string, fields: EventView["fields"]): void {
  client.setQueryData<Log>(logKey(account, conversation), (now) => {
    const place = now?.items.findLastIndex((one) => one.id === fields.id) ?? -1;
    if (!now || place < 0) return now;
    const items = [...now.items];
    items[place] = { ...(items[place] as MessageView), state: fields.state as MessageView["state"], reason: String(fields.reason ?? "") };
    return { ...now, items };
  });
}

/** Read one message of the log anew: something was said about it, however long ago it was said itself. */
export async function readAgain(client: QueryClient, account: string, conversation: string, id: string): Promise<void> {
  const { message } = await read("/api/message/{message_id}", { account }, { message_id: id });
  client.setQueryData<Log>(
    logKey(account, conversation),
    (now) => now && { ...now, items: now.items.map((one) => (one.id === id && one.cursor === message.cursor ? message : one)) },
  );
}

/** Put a message of ours into the log as soon as the node has it. */
export function addSent(client: QueryClient, account: string, conversation: string, message: MessageView): void {
  client.setQueryData<Log>(logKey(account, conversation), (now) =>
    !now || now.items.some((one) => one.id === message.id && one.mine) ? now : { ...now, items: [...now.items, message] },
  );
}

/** Mark all logs of an account as to be read anew. */
export function dropLog(client: QueryClient, account: string, into: Map<string, [string, string]>): void {
  for (const query of client.getQueryCache().findAll({ queryKey: ["log", account] })) {
    const conversation = String(query.queryKey[2]);
    into.set(conversation, [account, conversation]);
  }
}
