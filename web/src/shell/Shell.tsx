/** What stands around every screen: the doors in (locked, welcome), the rail, the banners, the keys. */
import { Outlet } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useNode } from "../api/node";
import { useWords } from "../i18n";
import { Banners } from "./Banners";
import { Keys } from "./Keys";
import { Locked } from "./Locked";
import { Rail } from "./Rail";

const Welcome = lazy(() => import("../start/Welcome").then((loaded) => ({ default: loaded.Welcome })));

export function Shell() {
  const t = useWords();
  const { link, account, accounts } = useNode();
  if (link === "locked") return <Locked />;
  if (!accounts) return <Waiting down={link === "down"} />;
  if (!account)
    return (
      <Suspense fallback={<Waiting down={false} />}>
        <Welcome />
      </Suspense>
    );
  return (
    <div className="flex h-full flex-col">
      <button type="button" className="sr-only focus:not-sr-only focus:p-3" onClick={() => document.getElementById("content")?.focus()}>
        {t.skip}
      </button>
      <Banners />
      <div className="flex min-h-0 flex-1 flex-col-reverse md:flex-row">
        <Rail />
        <div className="flex min-h-0 min-w-0 flex-1">
          <Suspense fallback={<p className="p-6 text-soft">{t.loading}</p>}>
            <Outlet />
          </Suspense>
        </div>
      </div>
      <Keys />
    </div>
  );
}

function Waiting({ down }: { down: boolean }) {
  const t = useWords();
  return (
    <main className="flex h-full flex-col items-center justify-center gap-3 p-6 text-center text-soft">
      <img src="/icon.svg" alt="" className="size-14" />
      <p role="status">
        {down ? t.nodeDown : t.connecting} {down && <code className="font-mono text-ink">connexa up</code>}
      </p>
    </main>
  );
}
