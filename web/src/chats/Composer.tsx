/** Where one writes. What is typed is a draft of the node, so a reload or another device goes on with it; nothing waits for a network. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { SendHorizontal, X } from "lucide-react";
import { type KeyboardEvent, useCallback, useEffect, useRef, useState } from "react";
import { act, newMessageId } from "../api/client";
import { useAccount } from "../api/node";
import type { ConversationView, MessageView } from "../api/schema";
import { useWords } from "../i18n";
import { Failure, IconButton } from "../ui/parts";
import { addSent } from "./log";

const KEEP_AFTER_MS = 600;
const MAX_BYTES = 60_000;
const MAX_LINES_PX = 200;

interface Props {
  conversation: ConversationView;
  quoted: MessageView | null;
  onQuote: (message: MessageView | null) => void;
}

export function Composer({ conversation, quoted, onQuote }: Props) {
  const t = useWords();
  const account = useAccount();
  const client = useQueryClient();
  const { text, setText, sent } = useDraft(account, conversation);
  const area = useRef<HTMLTextAreaElement>(null);
  const pending = useRef("");
  const send = useMutation({
    mutationFn: () => {
      pending.current ||= newMessageId(); // the same id for each try of the same message
      return act("/api/messages/send", { account, to: conversation.id, text, reply_to: quoted?.id ?? null, message_id: pending.current });
    },
    onSuccess: (message) => {
      pending.current = "";
      addSent(client, account, conversation.id, message);
      sent();
      onQuote(null);
      area.current?.focus();
    },
    // Where the node has certainly refused it, an edited text is another message.
    onError: (error) => {
      if (!("retryable" in error && error.retryable)) pending.current = "";
    },
  });
  useEffect(() => {
    if (quoted) area.current?.focus();
  }, [quoted]);
  useGrowing(area.current, text);
  const long = new TextEncoder().encode(text).length > MAX_BYTES;
  const ready = text.trim() !== "" && !long && !send.isPending;
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      if (ready) send.mutate();
    } else if (event.key === "Escape" && quoted) {
      event.stopPropagation();
      onQuote(null);
    }
  };
  if (conversation.state === "blocked") return null;
  return (
    <form
      className="border-t border-line bg-page px-3 py-2 pb-[max(0.5rem,env(safe-area-inset-bottom))] md:px-5"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) send.mutate();
      }}
    >
      <div className="mx-auto flex max-w-3xl flex-col gap-2">
        <Failure error={send.error} onRetry={() => send.mutate()} />
        {long && <p className="text-sm text-bad">{t.tooLong}</p>}
        {quoted && <Quoted message={quoted} title={conversation.title} onClose={() => onQuote(null)} />}
        <div className="flex items-end gap-2">
          <textarea
            ref={area}
            id="compose"
            rows={1}
            dir="auto"
            aria-label={t.write}
            placeholder={t.write}
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={onKey}
            className="max-h-50 min-h-11 flex-1 resize-none rounded-2xl border border-line bg-raised px-4 py-2.5 placeholder:text-soft"
          />
          <button
            type="submit"
            aria-label={t.send}
            title={t.send}
            disabled={!ready}
            className="inline-flex size-11 shrink-0 items-center justify-center rounded-full bg-accent text-accent-ink disabled:opacity-40"
          >
            <SendHorizontal size={20} className="rtl:-scale-x-100" aria-hidden="true" />
          </button>
        </div>
      </div>
    </form>
  );
}

function Quoted({ message, title, onClose }: { message: MessageView; title: string; onClose: () => void }) {
  const t = useWords();
  return (
    <div className="flex items-center gap-2 rounded-lg border-s-2 border-accent bg-panel ps-3 text-sm">
      <div className="min-w-0 flex-1 py-1">
        <p className="font-semibold">{t.replyTo(message.mine ? t.you : title)}</p>
        <bdi className="block truncate text-soft">{message.text}</bdi>
      </div>
      <IconButton label={t.cancel} onClick={onClose}>
        <X size={18} aria-hidden="true" />
      </IconButton>
    </div>
  );
}

/** What is typed, kept at the node a moment after the last key; `sent` forgets it. */
function useDraft(account: string, conversation: ConversationView) {
  const [text, set] = useState(conversation.draft);
  const kept = useRef(conversation.draft);
  const typed = useRef(conversation.draft);
  const timer = useRef(0);
  const keep = useCallback(() => {
    window.clearTimeout(timer.current);
    timer.current = 0;
    if (typed.current === kept.current) return;
    kept.current = typed.current;
    // A draft that could not be kept is still on the screen, and is kept with the next key.
    act("/api/conversations/draft", { account, conversation: conversation.id, text: typed.current }).catch(() => {
      kept.current = "";
    });
  }, [account, conversation.id]);
  useEffect(() => {
    // Another device or tab has written: theirs is taken where nothing of ours waits.
    if (timer.current || conversation.draft === kept.current) return;
    kept.current = typed.current = conversation.draft;
    set(conversation.draft);
  }, [conversation.draft]);
  useEffect(() => {
    window.addEventListener("pagehide", keep);
    return () => {
      window.removeEventListener("pagehide", keep);
      keep();
    };
  }, [keep]);
  const setText = (now: string) => {
    typed.current = now;
    set(now);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(keep, KEEP_AFTER_MS);
  };
  const sent = () => {
    typed.current = "";
    set("");
    keep();
  };
  return { text, setText, sent };
}

function useGrowing(area: HTMLTextAreaElement | null, text: string): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useEffect(() => {
    if (!area) return;
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight + 2, MAX_LINES_PX)}px`;
  }, [area, text]);
}
