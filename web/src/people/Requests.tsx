/** Strangers who ask. Nothing of theirs is shown before one opens it, and they learn of nothing. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { read } from "../api/client";
import { useAccount } from "../api/node";
import { useAct, useRequests } from "../api/queries";
import type { RequestView } from "../api/schema";
import { useTimes, useWords } from "../i18n";
import { Page } from "../ui/Page";
import { Button, Empty, Failure, Notice } from "../ui/parts";

export function Requests() {
  const t = useWords();
  const found = useRequests();
  return (
    <Page title={t.requests}>
      <Failure error={found.error} onRetry={() => found.refetch()} />
      {found.data?.items.length === 0 && <Empty title={t.noRequestsTitle} text={t.noRequestsText} />}
      <ul className="flex flex-col gap-3">
        {found.data?.items.map((one) => (
          <li key={one.id}>
            <Request one={one} />
          </li>
        ))}
      </ul>
    </Page>
  );
}

function Request({ one }: { one: RequestView }) {
  const t = useWords();
  const times = useTimes();
  const account = useAccount();
  const [open, setOpen] = useState(false);
  const whole = useQuery({
    queryKey: ["requests", account, one.id],
    queryFn: () => read("/api/requests/{request_id}", { account }, { request_id: one.id }),
    enabled: open,
  });
  return (
    <article className="flex flex-col gap-3 rounded-2xl border border-line bg-raised p-4">
      <header className="flex flex-wrap items-baseline justify-between gap-2">
        <h2 className="font-semibold">{whole.data ? <bdi>{whole.data.address}</bdi> : t.requestFrom(one.domain)}</h2>
        <time className="text-sm text-soft">{times.both(one.received)}</time>
      </header>
      {one.provisional && <Notice>{t.provisionalText}</Notice>}
      {one.warning && <Notice tone="bad">{t.requestKeyWarning}</Notice>}
      {whole.data ? (
        whole.data.texts?.map((text, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: texts have no other name
          <p key={place} dir="auto" className="rounded-xl bg-theirs px-3 py-2 break-words whitespace-pre-wrap">
            {text}
          </p>
        ))
      ) : (
        <p className="text-sm text-soft">{t.requestHidden}</p>
      )}
      <Failure error={whole.error} />
      {whole.data ? (
        <Answer id={one.id} address={whole.data.address ?? ""} />
      ) : (
        <Button className="self-start" onClick={() => setOpen(true)}>
          {t.requestOpen}
        </Button>
      )}
    </article>
  );
}

function Answer({ id, address }: { id: string; address: string }) {
  const t = useWords();
  const go = useNavigate();
  const stale = ["requests", "conversations", "contacts", "accounts"];
  const accept = useAct("/api/requests/accept", stale, (contact) => go({ to: "/chats/$id", params: { id: contact.conversation } }));
  const reject = useAct("/api/requests/reject", stale);
  const block = useAct("/api/contacts/block", stale);
  return (
    <div className="flex flex-wrap gap-2">
      <Button look="main" onClick={() => accept.mutate({ request: id })}>
        {t.accept}
      </Button>
      <Button onClick={() => reject.mutate({ request: id })}>{t.reject}</Button>
      <Button look="bad" onClick={() => block.mutate({ who: address })}>
        {t.rejectBlock}
      </Button>
      <Failure error={accept.error ?? reject.error ?? block.error} />
    </div>
  );
}
