/** What was said, the newest at the foot. Only what is near the screen is drawn; older pages are read on the way up. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useAccount } from "../api/node";
import { useGroup } from "../api/queries";
import type { ConversationView, MessageView } from "../api/schema";
import { dayOf, useTimes, useWords } from "../i18n";
import { Failure, IconButton } from "../ui/parts";
import { Bubble } from "./Bubble";
import { logQuery, readOlder } from "./log";
import { MessageInfo } from "./MessageInfo";
import { notesBetween } from "./notes";

const GUESS = 62;
const EARLY = 25; // so many messages before the top, the next page is asked for
const AT_END = 120; // pixels

interface Props {
  conversation: ConversationView;
  onReply: (message: MessageView) => void;
}

export function Timeline({ conversation, onReply }: Props) {
  const t = useWords();
  const account = useAccount();
  const client = useQueryClient();
  const log = useQuery(logQuery(client, account, conversation.id));
  const items = log.data?.items ?? [];
  const frame = useRef<HTMLDivElement>(null);
  const [info, setInfo] = useState<MessageView | null>(null);
  const names = useNames(conversation);
  const unread = useUnreadLine(conversation, items);
  const byId = useMemo(() => new Map(items.map((one) => [one.id, one])), [items]);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => frame.current,
    estimateSize: () => GUESS,
    getItemKey: (index) => items[index]?.id ?? index,
    anchorTo: "end",
    followOnAppend: true,
    scrollEndThreshold: AT_END,
    overscan: 8,
    paddingStart: 16,
    paddingEnd: 12,
  });
  useOlder(rows.range?.startIndex ?? 0, log.data?.older === true, account, conversation.id);
  useOpenAtEnd(items.length > 0, rows.scrollToEnd);
  const say = useCallback((message: MessageView) => onReply(message), [onReply]);
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <Failure error={log.error} onRetry={() => log.refetch()} />
      <div ref={frame} className="min-h-0 flex-1 overflow-auto [overflow-anchor:none]" data-timeline>
        <div
          role="log"
          aria-label={conversation.title}
          aria-live="polite"
          className="relative mx-auto max-w-3xl"
          style={{ height: rows.getTotalSize() }}
        >
          {log.data && items.length === 0 && <p className="p-6 text-center text-soft">{t.beginning}</p>}
          {rows.getVirtualItems().map((row) => {
            const message = items[row.index];
            const before = items[row.index - 1];
            return message ? (
              <div
                key={row.key}
                data-index={row.index}
                ref={rows.measureElement}
                className="absolute inset-x-0 top-0 px-3 md:px-5"
                style={{ transform: `translateY(${row.start}px)` }}
              >
                <Breaks
                  message={message}
                  before={before}
                  unread={unread === message.id}
                  notes={notesBetween(conversation.notes, before, message)}
                />
                <Bubble
                  message={message}
                  joined={follows(message, before)}
                  author={conversation.group && !message.mine ? (names.get(message.sender) ?? message.sender) : ""}
                  quoted={message.reply_to ? byId.get(message.reply_to) : undefined}
                  nameOf={(address) => names.get(address) ?? address}
                  onReply={say}
                  onInfo={setInfo}
                />
              </div>
            ) : null;
          })}
        </div>
      </div>
      {items.length > 0 && !rows.isAtEnd(AT_END * 2) && (
        <IconButton
          label={t.jumpNewest}
          onClick={() => rows.scrollToEnd()}
          className="absolute end-5 bottom-3 border border-line bg-raised shadow-lg"
        >
          <ArrowDown size={20} aria-hidden="true" />
        </IconButton>
      )}
      {info && <MessageInfo message={info} group={conversation.group} onClose={() => setInfo(null)} />}
    </div>
  );
}

const TOGETHER_SECONDS = 300;

/** Said by the same person soon after: drawn as one piece. */
function follows(message: MessageView, before: MessageView | undefined): boolean {
  return (
    before !== undefined &&
    before.sender === message.sender &&
    message.sent - before.sent < TOGETHER_SECONDS &&
    dayOf(before.sent) === dayOf(message.sent)
  );
}

/** What people in this chat are called. */
function useNames(conversation: ConversationView): Map<string, string> {
  const group = useGroup(conversation.id, conversation.group);
  return useMemo(() => {
    const known = new Map<string, string>();
    if (!conversation.group) known.set(conversation.address, conversation.title);
    for (const one of group.data?.people ?? []) known.set(one.address, one.name || one.address);
    return known;
  }, [conversation.group, conversation.address, conversation.title, group.data]);
}

/** The first message that was unread when the chat was opened keeps its line until the chat is closed. */
function useUnreadLine(conversation: ConversationView, items: MessageView[]): string {
  const [count] = useState(conversation.unread);
  const [line, setLine] = useState("");
  useEffect(() => {
    if (!count || line || !items.length) return;
    const theirs = items.filter((one) => !one.mine);
    setLine((theirs.at(-count) ?? theirs[0])?.id ?? "");
  }, [count, line, items]);
  return line;
}

function useOlder(first: number, more: boolean, account: string, conversation: string): void {
  const client = useQueryClient();
  const busy = useRef(false);
  useEffect(() => {
    if (!more || first > EARLY || busy.current) return;
    busy.current = true;
    readOlder(client, account, conversation)
      .catch(() => {}) // the next scroll tries again
      .finally(() => {
        busy.current = false;
      });
  }, [client, first, more, account, conversation]);
}

function useOpenAtEnd(filled: boolean, toEnd: () => void): void {
  const opened = useRef(false);
  useEffect(() => {
    if (!filled || opened.current) return;
    opened.current = true;
    toEnd();
  }, [filled, toEnd]);
}

interface BreaksProps {
  message: MessageView;
  before: MessageView | undefined;
  unread: boolean;
  notes: { at: number; text: keyof ReturnType<typeof useWords> }[];
}

/** What stands between two messages: a new day, the line of the unread, what happened to the trust, what is missing. */
function Breaks({ message, before, unread, notes }: BreaksProps) {
  const t = useWords();
  const times = useTimes();
  const newDay = !before || dayOf(before.sent) !== dayOf(message.sent);
  return (
    <>
      {newDay && <p className="py-3 text-center text-xs font-medium text-soft">{times.day(message.sent)}</p>}
      {notes.map((note) => (
        <p key={`${note.at}${note.text}`} className="py-2 text-center text-xs text-soft">
          {String(t[note.text])} · {times.both(note.at)}
        </p>
      ))}
      {message.gap > 0 && <p className="py-2 text-center text-xs text-warn">{t.missing(message.gap)}</p>}
      {unread && (
        <p className="flex items-center gap-3 py-2 text-xs font-semibold text-accent-text before:h-px before:flex-1 before:bg-accent after:h-px after:flex-1 after:bg-accent">
          {t.unreadLine}
        </p>
      )}
    </>
  );
}
