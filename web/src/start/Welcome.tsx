/** The first screen of a node without an account: make one, link this device to one, or bring one back. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ChevronRight, History, MonitorSmartphone, UserPlus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { act, read } from "../api/client";
import { useWords } from "../i18n";
import { Button, CopyButton, Failure, Field } from "../ui/parts";
import { Qr } from "../ui/Qr";
import { useSteps } from "./useSteps";

type Way = "choose" | "create" | "link" | "restore";

export function Welcome({ first = true }: { first?: boolean }) {
  const t = useWords();
  const [way, setWay] = useState<Way>("choose");
  const back = () => setWay("choose");
  return (
    <main className={first ? "flex h-full flex-col items-center justify-center overflow-auto p-6" : "contents"}>
      <div className="flex w-full max-w-md flex-col gap-6">
        {first && (
          <header className="flex flex-col items-center gap-3 text-center">
            <img src="/icon.svg" alt="" className="size-16" />
            <h1 className="text-2xl font-semibold">{t.welcomeTitle}</h1>
            <p className="text-soft">{t.welcomeText}</p>
          </header>
        )}
        {way === "choose" && <Choice onChoose={setWay} />}
        {way === "create" && <Create onBack={back} />}
        {way === "link" && <LinkThis onBack={back} />}
        {way === "restore" && <Restore onBack={back} />}
      </div>
    </main>
  );
}

function Choice({ onChoose }: { onChoose: (way: Way) => void }) {
  const t = useWords();
  const ways = [
    { way: "create", icon: UserPlus, name: t.createAccount, text: t.createText },
    { way: "link", icon: MonitorSmartphone, name: t.linkDevice, text: t.linkText },
    { way: "restore", icon: History, name: t.restoreBackup, text: t.restoreText },
  ] as const;
  return (
    <ul className="flex flex-col gap-3">
      {ways.map(({ way, icon: Icon, name, text }) => (
        <li key={way}>
          <button
            type="button"
            onClick={() => onChoose(way)}
            className="flex w-full items-center gap-4 rounded-2xl border border-line bg-raised p-4 text-start hover:bg-hover"
          >
            <Icon size={24} className="shrink-0 text-accent-text" aria-hidden="true" />
            <span className="flex-1">
              <span className="block font-semibold">{name}</span>
              <span className="block text-sm text-soft">{text}</span>
            </span>
            <ChevronRight size={18} className="text-soft rtl:-scale-x-100" aria-hidden="true" />
          </button>
        </li>
      ))}
    </ul>
  );
}

function Foot({ busy, name, onBack }: { busy: boolean; name: string; onBack: () => void }) {
  const t = useWords();
  return (
    <div className="flex gap-2">
      <Button onClick={onBack}>{t.back}</Button>
      <Button type="submit" look="main" disabled={busy} className="flex-1">
        {name}
      </Button>
    </div>
  );
}

function Create({ onBack }: { onBack: () => void }) {
  const t = useWords();
  const [address, setAddress] = useState("");
  const [name, setName] = useState("");
  const [invite, setInvite] = useState("");
  const step = useSteps(
    () => act("/api/account/create", { address: address.trim(), name: name.trim(), invite: invite.trim() || null }),
    "/settings/words",
  );
  return (
    <form className="flex flex-col gap-4" onSubmit={submit(step.go)}>
      <Field
        label={t.yourAddress}
        hint={t.addressHint}
        value={address}
        onChange={(e) => setAddress(e.target.value)}
        required
        autoFocus
        dir="ltr"
      />
      <Field label={t.yourName} hint={t.nameHint} value={name} onChange={(e) => setName(e.target.value)} />
      <Field label={t.homeserverInvite} hint={t.inviteHint} value={invite} onChange={(e) => setInvite(e.target.value)} dir="ltr" />
      <Failure error={step.error} />
      {step.busy && <p role="status">{t.creating}</p>}
      <Foot busy={step.busy} name={t.createAccount} onBack={onBack} />
    </form>
  );
}

function LinkThis({ onBack }: { onBack: () => void }) {
  const t = useWords();
  const [address, setAddress] = useState("");
  const [name, setName] = useState("");
  const [shown, setShown] = useState<{ account: string; code: string } | null>(null);
  const step = useSteps(async () => setShown(await act("/api/account/link", { address: address.trim(), name: name.trim() })));
  if (shown) return <Linking account={shown.account} code={shown.code} onBack={onBack} />;
  return (
    <form className="flex flex-col gap-4" onSubmit={submit(step.go)}>
      <Field
        label={t.yourAddress}
        hint={t.addressHint}
        value={address}
        onChange={(e) => setAddress(e.target.value)}
        required
        autoFocus
        dir="ltr"
      />
      <Field label={t.deviceName} value={name} onChange={(e) => setName(e.target.value)} />
      <Failure error={step.error} />
      <Foot busy={step.busy} name={t.next} onBack={onBack} />
    </form>
  );
}

const LOOK_MS = 1_000;

/** The code, then the digits; the account appears by its event when the other device has let this one in. */
function Linking({ account, code, onBack }: { account: string; code: string; onBack: () => void }) {
  const t = useWords();
  const client = useQueryClient();
  const found = useQuery({
    queryKey: ["linking", account],
    queryFn: async () => {
      void client.invalidateQueries({ queryKey: ["accounts"] });
      return read("/api/account/link", { account });
    },
    refetchInterval: LOOK_MS,
    retry: false,
  });
  const digits = found.data?.digits;
  return (
    <div className="flex flex-col items-center gap-4 text-center">
      <h2 className="text-lg font-semibold">{digits ? t.linkDigitsTitle : t.linkCodeTitle}</h2>
      <p className="text-soft">{digits ? t.linkDigitsText : t.linkCodeText}</p>
      {digits ? (
        <p dir="ltr" data-digits className="font-mono text-4xl font-semibold tracking-[0.2em]">
          {digits}
        </p>
      ) : (
        <>
          <Qr text={code} label={t.linkCodeTitle} />
          <code data-code dir="ltr" className="max-w-full font-mono text-sm break-all select-all">
            {code}
          </code>
          <CopyButton text={code} />
        </>
      )}
      <p role="status" className="text-sm text-soft">
        {t.linkWaiting}
      </p>
      <Failure error={found.error} />
      <Button onClick={onBack}>{t.back}</Button>
    </div>
  );
}

function Restore({ onBack }: { onBack: () => void }) {
  const t = useWords();
  const [place, setPlace] = useState("");
  const [words, setWords] = useState("");
  const step = useSteps(() => act("/api/backup/restore", { place: place.trim(), words: words.trim() }), "/chats");
  return (
    <form className="flex flex-col gap-4" onSubmit={submit(step.go)}>
      <Field label={t.backupPlace} value={place} onChange={(e) => setPlace(e.target.value)} required autoFocus dir="ltr" />
      <div className="flex flex-col gap-1">
        <label htmlFor="words" className="text-sm font-medium">
          {t.recoveryWords}
        </label>
        <textarea
          id="words"
          rows={4}
          dir="ltr"
          autoComplete="off"
          spellCheck={false}
          aria-describedby="words-hint"
          value={words}
          onChange={(e) => setWords(e.target.value)}
          className="rounded-lg border border-line bg-raised px-3 py-2 font-mono"
          required
        />
        <p id="words-hint" className="text-sm text-soft">
          {t.wordsHint}
        </p>
      </div>
      <Failure error={step.error} />
      {step.busy && <p role="status">{t.restoring}</p>}
      <Foot busy={step.busy} name={t.restoreBackup} onBack={onBack} />
    </form>
  );
}

function submit(go: () => void) {
  return (event: FormEvent) => {
    event.preventDefault();
    go();
  };
}
