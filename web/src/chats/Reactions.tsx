/** What people think of a message; a tap says the same, or takes it back. */
import { useAct } from "../api/queries";
import type { MessageView } from "../api/schema";
import { useWords } from "../i18n";
import { classes } from "../ui/parts";

export function Reactions({ message, nameOf }: { message: MessageView; nameOf: (address: string) => string }) {
  const t = useWords();
  const react = useAct("/api/messages/react", ["log"]);
  if (!message.reactions.length) return null;
  return (
    <ul className="mt-1 flex flex-wrap gap-1">
      {message.reactions.map((one) => (
        <li key={one.emoji}>
          <button
            type="button"
            aria-label={t.reactionBy(one.emoji, one.people.map(nameOf).join(", "))}
            aria-pressed={one.mine}
            onClick={() => react.mutate({ message: message.id, emoji: one.mine ? "" : one.emoji })}
            className={classes("rounded-full border bg-raised px-2 py-0.5 text-sm text-ink", one.mine ? "border-accent" : "border-line")}
          >
            {one.emoji} {one.people.length > 1 && one.people.length}
          </button>
        </li>
      ))}
    </ul>
  );
}
