/** Is it their key? Digits to compare, a code to scan; and, where another key answers now, the decision about it. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { read } from "../api/client";
import { useAccount } from "../api/node";
import { useAct, useContact } from "../api/queries";
import type { ContactView } from "../api/schema";
import { useTimes, useWords } from "../i18n";
import { Facts, Page, Section } from "../ui/Page";
import { Button, Failure, Field, Notice } from "../ui/parts";
import { Qr } from "../ui/Qr";
import { Fingerprint, Trust } from "./trust";

const STALE = ["contacts", "conversations", "groups"];

export function Verify() {
  const t = useWords();
  const go = useNavigate();
  const account = useAccount();
  const { who = "" } = useParams({ strict: false });
  const contact = useContact(who);
  const number = useQuery({
    queryKey: ["contacts", account, "number", who],
    queryFn: () => read("/api/contacts/{who}/safety-number", { account }, { who }),
  });
  const [typed, setTyped] = useState("");
  const verify = useAct("/api/contacts/verify", STALE, () => setTyped(""));
  const unverify = useAct("/api/contacts/unverify", STALE);
  const one = contact.data;
  const digits = number.data?.digits;
  const name = one?.name || who;
  return (
    <Page title={t.verifyTitle(name)} back={`/contacts/${encodeURIComponent(who)}`}>
      <Failure error={contact.error ?? number.error} />
      {one?.trust === "changed" && <Changed one={one} />}
      {one && one.trust !== "changed" && <Trust tier={one.trust} />}
      {digits && number.data && (
        <>
          <Section>
            <p>{t.verifyText}</p>
            <Digits digits={digits} />
            <div className="flex flex-wrap gap-2">
              <Button look="main" onClick={() => verify.mutate({ who, proof: digits, how: "compared" })}>
                {t.verifyMatch}
              </Button>
              {one?.trust === "verified" && <Button onClick={() => unverify.mutate({ who })}>{t.unverify}</Button>}
            </div>
            <Failure error={verify.error ?? unverify.error} />
          </Section>
          <Section>
            <p className="text-soft">{t.verifyQr}</p>
            <Qr text={number.data.code} label={t.verifyQr} />
          </Section>
          <form
            className="flex items-end gap-2"
            onSubmit={(event) => {
              event.preventDefault();
              verify.mutate({ who, proof: typed.trim(), how: "typed" });
            }}
          >
            <Field label={t.verifyTyped} value={typed} onChange={(e) => setTyped(e.target.value)} dir="ltr" className="flex-1" />
            <Button type="submit" disabled={!typed.trim()}>
              {t.verifyCheck}
            </Button>
          </form>
        </>
      )}
      <Button look="quiet" className="self-start" onClick={() => go({ to: "/contacts/$who", params: { who } })}>
        {t.done}
      </Button>
    </Page>
  );
}

const FIVE = /\d{5}/g;

function Digits({ digits }: { digits: string }) {
  return (
    <p
      dir="ltr"
      data-digits={digits}
      className="grid max-w-md grid-cols-4 gap-x-4 gap-y-1 rounded-xl bg-panel p-4 font-mono text-lg tabular-nums"
    >
      {digits.match(FIVE)?.map((five, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: its place is what a group of digits is
        <span key={place}>{five}</span>
      ))}
    </p>
  );
}

function Changed({ one }: { one: ContactView }) {
  const t = useWords();
  const times = useTimes();
  const trust = useAct("/api/contacts/trust", STALE);
  const keep = useAct("/api/contacts/keep", STALE);
  return (
    <Section>
      <Notice tone="bad">
        <strong>{t.changedTitle}</strong>
        <span>{t.changedText(one.name || one.address)}</span>
      </Notice>
      <Facts
        facts={[
          [t.changedSince, times.both(one.rival_since)],
          [t.changedOld, <Fingerprint key="old" text={one.fingerprint} />],
          [t.changedNew, <Fingerprint key="new" text={one.rival} />],
        ]}
      />
      <div className="flex flex-wrap gap-2">
        <Button onClick={() => keep.mutate({ who: one.address })}>{t.changedKeep}</Button>
        <Button look="bad" onClick={() => trust.mutate({ who: one.address })}>
          {t.changedTrust}
        </Button>
      </div>
      <Failure error={trust.error ?? keep.error} />
    </Section>
  );
}
