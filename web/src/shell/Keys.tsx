/** The keyboard: single keys where nobody types, the palette, the sheet that says all of it. */
import { useNavigate, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { useAct, useConversations } from "../api/queries";

const Palette = lazy(() => import("./Palette").then((loaded) => ({ default: loaded.Palette })));
const KeySheet = lazy(() => import("./KeySheet").then((loaded) => ({ default: loaded.KeySheet })));

const GO_MS = 1_200;
const GO = { c: "/chats", r: "/requests", k: "/contacts", s: "/settings" } as const;

export function Keys() {
  const [open, setOpen] = useState<"palette" | "keys" | null>(null);
  useShortcuts(setOpen);
  return (
    <Suspense fallback={null}>
      {open === "palette" && <Palette onClose={() => setOpen(null)} />}
      {open === "keys" && <KeySheet onClose={() => setOpen(null)} />}
    </Suspense>
  );
}

function useShortcuts(show: (what: "palette" | "keys") => void): void {
  const go = useNavigate();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const chats = useConversations().data?.items ?? [];
  const archive = useAct("/api/conversations/archive", ["conversations"]);
  const mute = useAct("/api/conversations/mute", ["conversations"]);
  const waitsForPlace = useRef(0);
  const here = /^\/chats\/([^/]+)/.exec(path)?.[1] ?? "";
  const current = chats.find((one) => one.id === here);
  const toChat = (step: number) => {
    const at = chats.findIndex((one) => one.id === here);
    const next = chats[at < 0 ? 0 : Math.max(0, Math.min(chats.length - 1, at + step))];
    if (next) void go({ to: "/chats/$id", params: { id: next.id } });
  };
  const acts: Record<string, () => void> = {
    "?": () => show("keys"),
    "/": () => document.getElementById("find-chat")?.focus(),
    c: () => document.getElementById("compose")?.focus(),
    n: () => go({ to: "/new" }),
    j: () => toChat(1),
    k: () => toChat(-1),
    u: () => {
      const unread = chats.find((one) => one.unread > 0 && one.id !== here);
      if (unread) void go({ to: "/chats/$id", params: { id: unread.id } });
    },
    e: () => current && archive.mutate({ conversation: here, archived: !current.archived }),
    m: () => current && mute.mutate({ conversation: here, muted: !current.muted }),
    g: () => {
      waitsForPlace.current = Date.now();
    },
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      return show("palette");
    }
    if (event.altKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      return toChat(event.key === "ArrowDown" ? 1 : -1);
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isBusy(event.target)) return;
    const place = Date.now() - waitsForPlace.current < GO_MS ? GO[event.key as keyof typeof GO] : undefined;
    waitsForPlace.current = 0;
    if (event.key === "Escape" && here) return void go({ to: "/chats" });
    const act = place ? () => go({ to: place }) : acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  const newest = useRef(onKey);
  newest.current = onKey;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => newest.current(event);
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
}

/** Somebody types there, or a dialog or a menu has the keys. */
function isBusy(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, [role=dialog], [role=alertdialog], [role=menu]") !== null;
}
