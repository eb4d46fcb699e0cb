/** All chats, the newest first, and groups that one is invited to above them. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { BellOff, SquarePen } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { read } from "../api/client";
import { useAccount } from "../api/node";
import { useConversations } from "../api/queries";
import type { ConversationView, GroupView } from "../api/schema";
import { useTimes, useWords } from "../i18n";
import { Count } from "../shell/Rail";
import { Avatar, classes, Empty, Failure, INPUT } from "../ui/parts";
import { StateMark } from "./StateMark";

const ROW = 72;
type Filter = "all" | "unread" | "groups" | "archived";

export function List({ open }: { open: string }) {
  const t = useWords();
  const [filter, setFilter] = useState<Filter>("all");
  const [find, setFind] = useState("");
  const found = useConversations(filter === "archived");
  const shown = useMemo(() => pick(found.data?.items ?? [], filter, find), [found.data, filter, find]);
  const filters: [Filter, string][] = [
    ["all", t.filterAll],
    ["unread", t.filterUnread],
    ["groups", t.filterGroups],
    ["archived", t.filterArchived],
  ];
  return (
    <section aria-label={t.chats} className="flex h-full flex-col">
      <header className="flex min-h-16 items-center gap-2 px-4">
        <h2 className="flex-1 text-xl font-semibold">{t.chats}</h2>
        <Link
          to="/new"
          aria-label={t.newChat}
          title={t.newChat}
          className="inline-flex size-11 items-center justify-center rounded-lg text-accent-text hover:bg-hover"
        >
          <SquarePen size={20} aria-hidden="true" />
        </Link>
      </header>
      <div className="flex flex-col gap-2 px-3 pb-2">
        <input
          id="find-chat"
          type="search"
          aria-label={t.findChat}
          placeholder={t.findChat}
          value={find}
          onChange={(event) => setFind(event.target.value)}
          dir="auto"
          className={INPUT}
        />
        <fieldset className="flex flex-wrap gap-1">
          <legend className="sr-only">{t.findChat}</legend>
          {filters.map(([key, name]) => (
            <button
              key={key}
              type="button"
              aria-pressed={filter === key}
              onClick={() => setFilter(key)}
              className={classes(
                "min-h-8 rounded-full px-3 text-sm font-medium",
                filter === key ? "bg-accent-soft text-accent-text" : "text-soft hover:bg-hover",
              )}
            >
              {name}
            </button>
          ))}
        </fieldset>
      </div>
      {filter !== "archived" && <Waiting />}
      <Failure error={found.error} onRetry={() => found.refetch()} />
      {found.data && shown.length === 0 ? <Nothing bare={filter === "all" && !find} /> : <Rows items={shown} open={open} />}
    </section>
  );
}

function pick(items: ConversationView[], filter: Filter, find: string): ConversationView[] {
  const sought = find.trim().toLocaleLowerCase();
  return items.filter(
    (one) =>
      (filter !== "unread" || one.unread > 0) &&
      (filter !== "groups" || one.group) &&
      (!sought || `${one.title} ${one.address}`.toLocaleLowerCase().includes(sought)),
  );
}

function Nothing({ bare }: { bare: boolean }) {
  const t = useWords();
  if (!bare) return <p className="p-6 text-center text-soft">{t.nothingFound}</p>;
  return (
    <Empty title={t.noChatsTitle} text={t.noChatsText}>
      <Link to="/new" className="inline-flex min-h-11 items-center rounded-lg bg-accent px-4 font-medium text-accent-ink">
        {t.newChat}
      </Link>
    </Empty>
  );
}

/** Groups that this person is invited to have no chat yet. */
function Waiting() {
  const t = useWords();
  const account = useAccount();
  const groups = useQuery({ queryKey: ["groups", account], queryFn: () => read("/api/groups", { account }) });
  const invited = groups.data?.items.filter((one: GroupView) => one.state === "invited") ?? [];
  if (!invited.length) return null;
  return (
    <ul className="mx-3 mb-2 flex flex-col gap-1">
      {invited.map((group) => (
        <li key={group.id}>
          <Link
            to="/groups/$id"
            params={{ id: group.id }}
            className="flex items-center gap-3 rounded-lg bg-accent-soft p-2 text-sm text-accent-text"
          >
            <Avatar name={group.name} of={group.id} size="sm" />
            <span className="min-w-0 flex-1 truncate">
              <bdi className="font-semibold">{group.name}</bdi>: {t.groupInvited(group.inviter)}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Rows({ items, open }: { items: ConversationView[]; open: string }) {
  const t = useWords();
  const frame = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW,
    getItemKey: (index) => items[index]?.id ?? index,
    overscan: 6,
  });
  return (
    <div ref={frame} className="min-h-0 flex-1 overflow-auto" id="chat-list" tabIndex={-1}>
      <ul aria-label={t.chats} className="relative" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((row) => {
          const one = items[row.index];
          return one ? (
            <li key={one.id} className="absolute inset-x-0 px-2" style={{ top: row.start, height: ROW }}>
              <Entry one={one} open={one.id === open} />
            </li>
          ) : null;
        })}
      </ul>
    </div>
  );
}

function Entry({ one, open }: { one: ConversationView; open: boolean }) {
  const t = useWords();
  const times = useTimes();
  return (
    <Link
      to="/chats/$id"
      params={{ id: one.id }}
      aria-current={open ? "true" : undefined}
      data-unread={one.unread > 0 || undefined}
      className={classes("flex h-full items-center gap-3 rounded-xl px-2", open ? "bg-accent-soft" : "hover:bg-hover")}
    >
      <Avatar name={one.title} of={one.id} />
      <span className="flex min-w-0 flex-1 flex-col">
        <span className="flex items-baseline gap-2">
          <bdi className={classes("min-w-0 flex-1 truncate", one.unread > 0 ? "font-bold" : "font-semibold")}>{one.title}</bdi>
          {one.muted && <BellOff size={14} className="shrink-0 text-soft" aria-label={t.muted} />}
          {one.last && <time className="shrink-0 text-xs text-soft">{times.brief(one.last.mine ? one.last.sent : one.last.received)}</time>}
        </span>
        <span className="flex items-center gap-2 text-sm text-soft">
          <Preview one={one} />
          {one.unread > 0 && <Count count={one.unread} />}
        </span>
      </span>
    </Link>
  );
}

function Preview({ one }: { one: ConversationView }) {
  const t = useWords();
  if (one.draft)
    return (
      <span className="min-w-0 flex-1 truncate">
        <span className="text-bad">{t.draft}</span> <bdi>{one.draft}</bdi>
      </span>
    );
  return (
    <>
      {one.last?.mine && <StateMark state={one.last.state} />}
      <bdi className="min-w-0 flex-1 truncate">
        {one.last?.kind === "text" ? one.last.subject || one.last.text : one.last?.kind === "withdrawn" ? t.withdrawn : ""}
      </bdi>
    </>
  );
}
