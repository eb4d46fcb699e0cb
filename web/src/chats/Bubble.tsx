/** One message. Its text is text: nothing in it is ever taken for markup, and its direction is its own. */
import { memo } from "react";
import type { MessageView } from "../api/schema";
import { useTimes, useWords } from "../i18n";
import { classes } from "../ui/parts";
import { MessageMenu } from "./MessageMenu";
import { Reactions } from "./Reactions";
import { StateMark } from "./StateMark";

interface Props {
  message: MessageView;
  joined: boolean; // to the one before, by the same person
  author: string;
  quoted: MessageView | undefined;
  nameOf: (address: string) => string;
  onReply: (message: MessageView) => void;
  onInfo: (message: MessageView) => void;
}

function BubbleOf({ message, joined, author, quoted, nameOf, onReply, onInfo }: Props) {
  const t = useWords();
  const times = useTimes();
  const name = message.mine ? t.you : author || nameOf(message.sender);
  const said = { text: message.text, withdrawn: t.withdrawn, timer: t.timerSet(Number(message.text)) }[message.kind] ?? t.unknownKind;
  if (message.kind === "timer") return <p className="py-2 text-center text-xs text-soft">{said}</p>;
  const spoken = [name, times.clock(message.sent), message.mine ? t[message.state] : ""].filter(Boolean).join(", ");
  return (
    <article
      aria-label={spoken}
      data-message={message.id}
      data-state={message.mine ? message.state : undefined}
      className={classes("group flex items-center gap-1", message.mine ? "flex-row-reverse" : "flex-row", joined ? "pt-0.5" : "pt-3")}
    >
      <div
        className={classes(
          "max-w-[min(34rem,85%)] min-w-0 rounded-2xl px-3.5 py-2",
          message.mine ? "rounded-ee-md bg-mine text-mine-ink" : "rounded-es-md bg-theirs",
        )}
      >
        {author && !joined && <bdi className="block text-sm font-semibold text-accent-text">{author}</bdi>}
        {message.reply_to && <Quote message={quoted} mine={message.mine} name={quoted?.mine ? t.you : nameOf(quoted?.sender ?? "")} />}
        {message.forwarded && <span className="block text-xs italic">{t.forwarded}</span>}
        {message.subject && (
          <p dir="auto" className="font-semibold break-words">
            {message.subject}
          </p>
        )}
        <p dir="auto" className={classes("break-words whitespace-pre-wrap", message.kind !== "text" && "italic")}>
          {message.kind === "text" ? <Linked text={said} /> : said}
        </p>
        <p className={classes("mt-0.5 flex items-center justify-end gap-1.5 text-xs", message.mine ? "text-mine-soft" : "text-soft")}>
          {message.mine && (message.state === "refused" || message.state === "expired") && (
            <span className="font-semibold">{t[message.state]}</span>
          )}
          {message.edited > 0 && <span>{t.edited}</span>}
          <time>{times.clock(message.sent)}</time>
          {message.mine && <StateMark state={message.state} />}
        </p>
        <Reactions message={message} nameOf={nameOf} />
      </div>
      <MessageMenu message={message} onReply={onReply} onInfo={onInfo} />
    </article>
  );
}

export const Bubble = memo(
  BubbleOf,
  (a, b) => a.message === b.message && a.joined === b.joined && a.author === b.author && a.quoted === b.quoted,
);

function Quote({ message, mine, name }: { message: MessageView | undefined; mine: boolean; name: string }) {
  const t = useWords();
  return (
    <blockquote className={classes("mb-1 border-s-2 ps-2 text-sm", mine ? "border-mine-soft text-mine-soft" : "border-accent text-soft")}>
      {message ? (
        <>
          <bdi className="block font-semibold">{name}</bdi>
          <bdi className="line-clamp-2 break-words">{message.text}</bdi>
        </>
      ) : (
        t.quoteGone
      )}
    </blockquote>
  );
}

const LINK = /\bhttps?:\/\/[^\s<>"'‪-‮⁦-⁩]+[^\s<>"'.,;:!?)\]‪-‮⁦-⁩]/g;

/** Addresses of the web in a text become links; they show what they are, and tell the other side nothing of us. */
function Linked({ text }: { text: string }) {
  const parts: React.ReactNode[] = [];
  let from = 0;
  for (const found of text.matchAll(LINK)) {
    parts.push(text.slice(from, found.index));
    parts.push(
      <a key={found.index} href={found[0]} target="_blank" rel="noopener noreferrer nofollow" dir="ltr" className="break-all underline">
        {found[0]}
      </a>,
    );
    from = found.index + found[0].length;
  }
  parts.push(text.slice(from));
  return parts;
}
