import { useWords } from "../i18n";

/** This browser has no token that the node knows: only the machine's owner can give it one. */
export function Locked() {
  const t = useWords();
  return (
    <main className="flex h-full flex-col items-center justify-center gap-4 p-6 text-center">
      <img src="/icon.svg" alt="" className="size-16" />
      <h1 className="text-xl font-semibold">{t.lockedTitle}</h1>
      <p className="text-soft">{t.lockedText}</p>
      <code className="rounded-lg border border-line bg-panel px-4 py-2 font-mono" dir="ltr">
        connexa open
      </code>
      <p className="max-w-sm text-sm text-soft">{t.lockedAgain}</p>
    </main>
  );
}
