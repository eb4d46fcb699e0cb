import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useAct, useContact } from "../api/queries";
import type { ContactView } from "../api/schema";
import { noteWord } from "../chats/notes";
import { useTimes, useWords } from "../i18n";
import { Facts, Page, Section } from "../ui/Page";
import { Avatar, Button, Failure, Field, Notice, Sure } from "../ui/parts";
import { Fingerprint, Trust } from "./trust";

export function Contact() {
  const { who = "" } = useParams({ strict: false });
  const found = useContact(who);
  const one = found.data;
  return (
    <Page title={one?.name || who} back="/contacts">
      <Failure error={found.error} onRetry={() => found.refetch()} />
      {one && <About one={one} />}
    </Page>
  );
}

const LINK = "inline-flex min-h-11 items-center justify-center rounded-lg px-4 font-medium";

function About({ one }: { one: ContactView }) {
  const t = useWords();
  const times = useTimes();
  return (
    <>
      <div className="flex flex-col items-center gap-2 text-center">
        <Avatar name={one.name || one.address} of={one.conversation} size="lg" />
        <bdi className="text-soft">{one.address}</bdi>
        <Trust tier={one.trust} />
      </div>
      <div className="flex flex-wrap justify-center gap-2">
        <Link to="/chats/$id" params={{ id: one.conversation }} className={`${LINK} bg-accent text-accent-ink`}>
          {t.startChat}
        </Link>
        <Link to="/contacts/$who/verify" params={{ who: one.address }} className={`${LINK} border border-line bg-raised hover:bg-hover`}>
          {one.trust === "verified" ? t.verifyAgain : t.verify}
        </Link>
      </div>
      {one.trust === "changed" && (
        <Notice tone="bad">
          <span className="flex-1">{t.keyChangedText}</span>
          <Link to="/contacts/$who/verify" params={{ who: one.address }} className="font-semibold underline">
            {t.decide}
          </Link>
        </Notice>
      )}
      <Name one={one} />
      <Section title={t.fingerprint}>
        {one.fingerprint ? <Fingerprint text={one.fingerprint} /> : <p className="text-soft">{t.trustUnknown}</p>}
        <Facts
          facts={[
            [t.devices, t.theirDevices(one.devices)],
            ...(one.verified_at ? [[t.trustVerified, times.both(one.verified_at)] as [string, string]] : []),
          ]}
        />
      </Section>
      {one.notes && one.notes.length > 0 && (
        <Section title={t.notes}>
          <ul className="flex flex-col gap-1 text-sm">
            {one.notes.map((note) => {
              const word = noteWord(note.code);
              return (
                <li key={`${note.at}${note.code}`}>
                  {word ? t[word] : note.code} · {times.both(note.at)}
                </li>
              );
            })}
          </ul>
        </Section>
      )}
      <Doors one={one} />
    </>
  );
}

function Name({ one }: { one: ContactView }) {
  const t = useWords();
  const [name, setName] = useState(one.name);
  const rename = useAct("/api/contacts/rename", ["contacts", "conversations"]);
  return (
    <form
      className="flex items-end gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        rename.mutate({ who: one.address, name: name.trim() });
      }}
    >
      <Field label={t.name} value={name} onChange={(e) => setName(e.target.value)} className="flex-1" />
      <Button type="submit" disabled={name.trim() === one.name}>
        {t.save}
      </Button>
      <Failure error={rename.error} />
    </form>
  );
}

function Doors({ one }: { one: ContactView }) {
  const t = useWords();
  const go = useNavigate();
  const [asks, setAsks] = useState<"block" | "remove" | null>(null);
  const stale = ["contacts", "conversations"];
  const block = useAct("/api/contacts/block", stale);
  const unblock = useAct("/api/contacts/unblock", stale);
  const remove = useAct("/api/contacts/remove", stale, () => go({ to: "/contacts" }));
  const who = one.address;
  return (
    <Section>
      <div className="flex flex-wrap gap-2">
        {one.state === "blocked" ? (
          <Button onClick={() => unblock.mutate({ who })}>{t.unblock}</Button>
        ) : (
          <Button look="bad" onClick={() => setAsks("block")}>
            {t.block}
          </Button>
        )}
        <Button look="bad" onClick={() => setAsks("remove")}>
          {t.removeContact}
        </Button>
      </div>
      <Failure error={block.error ?? unblock.error ?? remove.error} />
      {asks && (
        <Sure
          title={asks === "block" ? t.block : t.removeContact}
          text={asks === "block" ? t.blockText : t.removeContactText}
          act={asks === "block" ? t.block : t.remove}
          onAct={() => {
            setAsks(null);
            (asks === "block" ? block : remove).mutate({ who });
          }}
          onClose={() => setAsks(null)}
        />
      )}
    </Section>
  );
}
