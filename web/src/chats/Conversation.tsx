/** An open chat: who it is with, what stands in its way, what was said, what is being written. */
import { Menu } from "@base-ui/react/menu";
import { Link, useNavigate } from "@tanstack/react-router";
import { ArrowLeft, EllipsisVertical, ShieldAlert, ShieldCheck } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { useAccount } from "../api/node";
import { useAct, useConversation } from "../api/queries";
import type { ConversationView, MessageView } from "../api/schema";
import { useWords } from "../i18n";
import { Avatar, Failure, Notice, Sure } from "../ui/parts";
import { Composer } from "./Composer";
import { Timeline } from "./Timeline";

export function Conversation({ id }: { id: string }) {
  const found = useConversation(id);
  const [quoted, setQuoted] = useState<MessageView | null>(null);
  const one = found.data;
  useReading(one);
  return (
    <main id="content" tabIndex={-1} className="flex min-h-0 min-w-0 flex-1 flex-col bg-page outline-none">
      {found.error ? (
        <div className="p-4">
          <Failure error={found.error} onRetry={() => found.refetch()} />
        </div>
      ) : one ? (
        <>
          <Head one={one} />
          <Hints one={one} />
          <Timeline conversation={one} onReply={setQuoted} />
          <Composer conversation={one} quoted={quoted} onQuote={setQuoted} />
        </>
      ) : null}
    </main>
  );
}

/** What is on the screen of somebody who looks at it is read. */
function useReading(one: ConversationView | undefined): void {
  const account = useAccount();
  const { mutate } = useAct("/api/conversations/read", []);
  const [seen, setSeen] = useState(document.visibilityState === "visible");
  useEffect(() => {
    const look = () => setSeen(document.visibilityState === "visible");
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  const id = one?.unread && seen && account ? one.id : "";
  const newest = one?.last?.cursor;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each newer message is to be marked
  useEffect(() => {
    if (id) mutate({ conversation: id });
  }, [id, newest, mutate]);
}

function Head({ one }: { one: ConversationView }) {
  const t = useWords();
  return (
    <header className="flex min-h-16 items-center gap-1 border-b border-line px-2 md:px-4">
      <Link
        to="/chats"
        aria-label={t.back}
        className="inline-flex size-11 items-center justify-center rounded-lg text-soft hover:bg-hover md:hidden"
      >
        <ArrowLeft size={20} className="rtl:-scale-x-100" aria-hidden="true" />
      </Link>
      <Who one={one}>
        <Avatar name={one.title} of={one.id} />
        <span className="min-w-0 flex-1">
          <h1 className="flex items-center gap-1.5 font-semibold">
            <bdi className="truncate">{one.title}</bdi>
            {one.trust === "verified" && <ShieldCheck size={17} className="shrink-0 text-good" role="img" aria-label={t.trustVerified} />}
            {one.trust === "changed" && <ShieldAlert size={17} className="shrink-0 text-bad" role="img" aria-label={t.trustChanged} />}
          </h1>
          {!one.group && one.title !== one.address && <bdi className="block truncate text-sm text-soft">{one.address}</bdi>}
        </span>
      </Who>
      <ChatMenu one={one} />
    </header>
  );
}

function Who({ one, children }: { one: ConversationView; children: ReactNode }) {
  const look = "flex min-w-0 flex-1 items-center gap-3 rounded-lg p-1 hover:bg-hover";
  if (one.group)
    return (
      <Link to="/groups/$id" params={{ id: one.id }} className={look}>
        {children}
      </Link>
    );
  return (
    <Link to="/contacts/$who" params={{ who: one.address }} className={look}>
      {children}
    </Link>
  );
}

const ITEM = "flex min-h-11 cursor-pointer items-center rounded-lg px-3 outline-none data-[highlighted]:bg-hover";

function ChatMenu({ one }: { one: ConversationView }) {
  const t = useWords();
  const go = useNavigate();
  const [sure, setSure] = useState(false);
  const stale = ["conversations"];
  const mute = useAct("/api/conversations/mute", stale);
  const archive = useAct("/api/conversations/archive", stale, () => go({ to: "/chats" }));
  const remove = useAct("/api/conversations/delete", [...stale, "log"], () => go({ to: "/chats" }));
  return (
    <>
      <Menu.Root>
        <Menu.Trigger
          aria-label={t.more}
          title={t.more}
          className="inline-flex size-11 items-center justify-center rounded-lg text-soft hover:bg-hover"
        >
          <EllipsisVertical size={20} aria-hidden="true" />
        </Menu.Trigger>
        <Menu.Portal>
          <Menu.Positioner align="end" sideOffset={4} className="z-30">
            <Menu.Popup className="min-w-48 rounded-xl border border-line bg-raised p-1 shadow-xl outline-none">
              <Menu.Item className={ITEM} onClick={() => mute.mutate({ conversation: one.id, muted: !one.muted })}>
                {one.muted ? t.unmute : t.mute}
              </Menu.Item>
              <Menu.Item className={ITEM} onClick={() => archive.mutate({ conversation: one.id, archived: !one.archived })}>
                {one.archived ? t.unarchive : t.archive}
              </Menu.Item>
              <Menu.Item className={`${ITEM} text-bad`} onClick={() => setSure(true)}>
                {t.deleteChat}
              </Menu.Item>
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
      {sure && (
        <Sure
          title={t.deleteChat}
          text={t.deleteChatText}
          act={t.deleteChat}
          onAct={() => remove.mutate({ conversation: one.id })}
          onClose={() => setSure(false)}
        />
      )}
    </>
  );
}

/** What stands between the two, above what they say. */
function Hints({ one }: { one: ConversationView }) {
  const t = useWords();
  return (
    <div className="flex flex-col gap-2 px-4 empty:hidden [&>*]:mt-2">
      {one.trust === "changed" && !one.group && (
        <Notice tone="bad">
          <span className="flex-1">{t.keyChangedText}</span>
          <Link to="/contacts/$who/verify" params={{ who: one.address }} className="font-semibold underline">
            {t.decide}
          </Link>
        </Notice>
      )}
      {one.state === "requested" && <Notice tone="plain">{t.requestedText}</Notice>}
      {one.state === "blocked" && <Notice tone="plain">{t.blockedText}</Notice>}
      {one.missing > 0 && <Notice tone="plain">{t.missingText(one.missing)}</Notice>}
    </div>
  );
}
