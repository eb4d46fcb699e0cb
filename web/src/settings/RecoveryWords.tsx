/** The 24 words: shown when asked for, then three of them are asked back. They are never kept by the browser. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useMemo, useState } from "react";
import { read } from "../api/client";
import { useNode } from "../api/node";
import { useAct } from "../api/queries";
import { useTimes, useWords } from "../i18n";
import { Page } from "../ui/Page";
import { Button, Failure, Field, Notice, Sure } from "../ui/parts";

const ASKED = 3;

export function RecoveryWords() {
  const t = useWords();
  const times = useTimes();
  const { account } = useNode();
  const address = account?.address ?? "";
  const state = useQuery({
    queryKey: ["recovery", address],
    queryFn: () => read("/api/account/recovery", { account: address }),
    enabled: account?.primary,
  });
  const [words, setWords] = useState<string[] | null>(null);
  const [checking, setChecking] = useState(false);
  const [sure, setSure] = useState(false);
  const show = useAct("/api/account/recovery/show", ["recovery"], (answer) => setWords(answer.words));
  const rotate = useAct("/api/account/recovery/rotate", ["recovery"], (answer) => setWords(answer.words));
  if (account && !account.primary)
    return (
      <Page title={t.wordsTitle} back="/settings">
        <Notice tone="plain">{t.backupPrimary}</Notice>
      </Page>
    );
  return (
    <Page title={t.wordsTitle} back="/settings">
      <p>{t.wordsText}</p>
      {state.data && !words && (
        <p className="text-sm text-soft">
          {state.data.confirmed ? t.wordsConfirmed(times.both(state.data.confirmed)) : t.wordsUnconfirmed}
        </p>
      )}
      <Failure error={state.error ?? show.error ?? rotate.error} />
      {!words && (
        <div className="flex flex-wrap gap-2">
          <Button look="main" onClick={() => show.mutate({})} disabled={show.isPending}>
            {t.wordsShow}
          </Button>
          {state.data?.shown && <Button onClick={() => setSure(true)}>{t.wordsRotate}</Button>}
          <Later />
        </div>
      )}
      {words && !checking && (
        <>
          <ol
            data-words
            dir="ltr"
            className="grid grid-cols-2 gap-x-4 gap-y-1 rounded-2xl border border-line bg-panel p-4 font-mono sm:grid-cols-3 md:grid-cols-4"
          >
            {words.map((word, place) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a word is its place
              <li key={place} className="flex gap-2">
                <span className="w-6 text-end text-soft">{place + 1}</span>
                <span>{word}</span>
              </li>
            ))}
          </ol>
          <div className="flex flex-wrap gap-2 print:hidden">
            <Button look="main" onClick={() => setChecking(true)}>
              {t.wordsWritten}
            </Button>
            <Button onClick={() => window.print()}>{t.print}</Button>
            <Later />
          </div>
        </>
      )}
      {words && checking && <Check count={words.length} onBack={() => setChecking(false)} />}
      {sure && (
        <Sure
          title={t.wordsRotate}
          text={t.wordsRotateText}
          act={t.wordsRotate}
          onAct={() => {
            setSure(false);
            rotate.mutate({});
          }}
          onClose={() => setSure(false)}
        />
      )}
    </Page>
  );
}

function Later() {
  const t = useWords();
  const go = useNavigate();
  return (
    <Button look="quiet" onClick={() => go({ to: "/chats" })}>
      {t.later}
    </Button>
  );
}

function Check({ count, onBack }: { count: number; onBack: () => void }) {
  const t = useWords();
  const go = useNavigate();
  const asked = useMemo(() => pick(count), [count]);
  const [typed, setTyped] = useState<Record<number, string>>({});
  const verify = useAct("/api/account/recovery/verify", ["recovery", "status"], () => go({ to: "/chats" }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    verify.mutate({ words: Object.fromEntries(asked.map((number) => [String(number), (typed[number] ?? "").trim().toLowerCase()])) });
  };
  return (
    <form className="flex flex-col gap-4" onSubmit={submit}>
      <h2 className="font-semibold">{t.wordsCheckTitle}</h2>
      {asked.map((number) => (
        <Field
          key={number}
          label={t.wordNumber(number)}
          data-word={number}
          value={typed[number] ?? ""}
          onChange={(e) => setTyped({ ...typed, [number]: e.target.value })}
          required
          dir="ltr"
          spellCheck={false}
        />
      ))}
      <Failure error={verify.error} />
      <div className="flex gap-2">
        <Button onClick={onBack}>{t.back}</Button>
        <Button type="submit" look="main" disabled={verify.isPending}>
          {t.done}
        </Button>
      </div>
    </form>
  );
}

/** Some numbers from 1 to `count`, all different. */
function pick(count: number): number[] {
  const left = Array.from({ length: count }, (_, place) => place + 1);
  const taken: number[] = [];
  while (taken.length < ASKED && left.length) {
    const place = (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) % left.length;
    taken.push(...left.splice(place, 1));
  }
  return taken.sort((a, b) => a - b);
}
