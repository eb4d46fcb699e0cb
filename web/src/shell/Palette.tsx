/** `Ctrl K`: one line to go anywhere. */
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useMemo, useState } from "react";
import { useConversations } from "../api/queries";
import { useWords } from "../i18n";
import { classes, INPUT, Sheet } from "../ui/parts";

const SHOWN = 9;

interface Entry {
  id: string;
  name: string;
  go: () => void;
}

export function Palette({ onClose }: { onClose: () => void }) {
  const t = useWords();
  const [find, setFind] = useState("");
  const [at, setAt] = useState(0);
  const all = useEntries();
  const sought = find.trim().toLocaleLowerCase();
  const shown = useMemo(() => all.filter((one) => one.name.toLocaleLowerCase().includes(sought)).slice(0, SHOWN), [all, sought]);
  const chosen = shown[Math.min(at, shown.length - 1)];
  const take = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    entry.go();
  };
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setAt((now) => Math.max(0, Math.min(shown.length - 1, now + step)));
    } else if (event.key === "Enter") {
      event.preventDefault();
      take(chosen);
    }
  };
  return (
    <Sheet title={t.palette} open onClose={onClose}>
      <input
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={chosen ? `palette-${chosen.id}` : undefined}
        aria-label={t.palettePlaceholder}
        placeholder={t.palettePlaceholder}
        value={find}
        onChange={(event) => {
          setFind(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKey}
        className={INPUT}
        dir="auto"
        // biome-ignore lint/a11y/noAutofocus: it was opened to be typed in
        autoFocus
      />
      <div id="palette-list" role="listbox" aria-label={t.palette} className="flex flex-col">
        {shown.map((one) => (
          <div
            key={one.id}
            id={`palette-${one.id}`}
            role="option"
            tabIndex={-1}
            aria-selected={one === chosen}
            onClick={() => take(one)}
            onKeyDown={onKey}
            className={classes(
              "flex min-h-11 cursor-pointer items-center rounded-lg px-3",
              one === chosen ? "bg-accent-soft text-accent-text" : "hover:bg-hover",
            )}
          >
            <bdi className="truncate">{one.name}</bdi>
          </div>
        ))}
      </div>
      {shown.length === 0 && <p className="text-soft">{t.nothingFound}</p>}
    </Sheet>
  );
}

function useEntries(): Entry[] {
  const t = useWords();
  const go = useNavigate();
  const chats = useConversations().data?.items;
  return useMemo(() => {
    const places: [string, string, Parameters<typeof go>[0]["to"]][] = [
      ["new", t.newChat, "/new"],
      ["group", t.newGroup, "/groups/new"],
      ["chats", t.chats, "/chats"],
      ["requests", t.requests, "/requests"],
      ["contacts", t.contacts, "/contacts"],
      ["settings", t.settings, "/settings"],
      ["devices", t.devices, "/settings/devices"],
      ["backups", t.backups, "/settings/backups"],
      ["words", t.wordsTitle, "/settings/words"],
      ["health", t.health, "/settings/health"],
    ];
    return [
      ...(chats ?? []).map((one) => ({ id: one.id, name: one.title, go: () => go({ to: "/chats/$id", params: { id: one.id } }) })),
      ...places.map(([id, name, to]) => ({ id, name, go: () => go({ to }) })),
    ];
  }, [t, go, chats]);
}
