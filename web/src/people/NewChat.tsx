/** The ways to somebody: their address, an invite that they gave, an invite for them; or a group. */
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Users } from "lucide-react";
import { type FormEvent, useRef, useState } from "react";
import { newMessageId, read } from "../api/client";
import { useAccount } from "../api/node";
import { useAct } from "../api/queries";
import type { InviteView } from "../api/schema";
import { useTimes, useWords } from "../i18n";
import { Page, Row, Rows, Section } from "../ui/Page";
import { Button, CopyButton, Failure, Field } from "../ui/parts";
import { Qr } from "../ui/Qr";

const STALE = ["conversations", "contacts"];

export function NewChat() {
  const t = useWords();
  return (
    <Page title={t.newChat} back="/chats">
      <ByAddress />
      <ByInvite />
      <GiveInvite />
      <Link
        to="/groups/new"
        className="flex min-h-14 items-center gap-3 rounded-xl border border-line bg-raised px-4 font-medium hover:bg-hover"
      >
        <Users size={20} className="text-accent-text" aria-hidden="true" />
        {t.newGroup}
      </Link>
    </Page>
  );
}

function ByAddress() {
  const t = useWords();
  const go = useNavigate();
  const [to, setTo] = useState("");
  const [text, setText] = useState("");
  const id = useRef("");
  const send = useAct("/api/messages/send", STALE, (message) => go({ to: "/chats/$id", params: { id: message.conversation } }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    id.current ||= newMessageId();
    send.mutate({ to: to.trim(), text: text.trim(), message_id: id.current }, { onError: () => (id.current = "") });
  };
  return (
    <Section title={t.byAddress}>
      <form className="flex flex-col gap-3" onSubmit={submit}>
        <Field label={t.toAddress} hint={t.addressHint} value={to} onChange={(e) => setTo(e.target.value)} required dir="ltr" />
        <Field label={t.firstMessage} hint={t.firstMessageHint} value={text} onChange={(e) => setText(e.target.value)} required />
        <Failure error={send.error} />
        <Button type="submit" look="main" className="self-start" disabled={send.isPending}>
          {t.sendRequest}
        </Button>
      </form>
    </Section>
  );
}

function ByInvite() {
  const t = useWords();
  const go = useNavigate();
  const [text, setText] = useState("");
  const accept = useAct("/api/invites/accept", STALE, (contact) => go({ to: "/chats/$id", params: { id: contact.conversation } }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    accept.mutate({ text: text.trim() });
  };
  return (
    <Section title={t.byInvite}>
      <form className="flex items-end gap-2" onSubmit={submit}>
        <Field label={t.pasteInvite} value={text} onChange={(e) => setText(e.target.value)} required dir="ltr" className="flex-1" />
        <Button type="submit" disabled={accept.isPending}>
          {t.acceptInvite}
        </Button>
      </form>
      <Failure error={accept.error} />
    </Section>
  );
}

function GiveInvite() {
  const t = useWords();
  const times = useTimes();
  const account = useAccount();
  const [made, setMade] = useState<InviteView | null>(null);
  const found = useQuery({ queryKey: ["invites", account], queryFn: () => read("/api/invites", { account }) });
  const create = useAct("/api/invites/create", ["invites"], setMade);
  const revoke = useAct("/api/invites/revoke", ["invites"], () => setMade(null));
  const open = found.data?.items.filter((one) => !one.revoked && one.left > 0 && one.expires > Date.now() / 1000) ?? [];
  return (
    <Section title={t.giveInvite}>
      <p className="text-soft">{t.inviteText}</p>
      {made ? (
        <div className="flex flex-wrap items-start gap-4">
          <Qr text={made.text} label={t.giveInvite} />
          <div className="flex min-w-0 flex-1 flex-col gap-3">
            <code data-invite dir="ltr" className="font-mono text-sm break-all select-all">
              {made.text}
            </code>
            <CopyButton text={made.text} />
          </div>
        </div>
      ) : (
        <Button className="self-start" onClick={() => create.mutate({})} disabled={create.isPending}>
          {t.makeInvite}
        </Button>
      )}
      <Failure error={create.error ?? revoke.error} />
      {open.length > 0 && (
        <Rows>
          {open.map((one) => (
            <Row key={one.id}>
              <span className="flex-1 text-sm text-soft">{t.inviteLeft(one.left, times.both(one.expires))}</span>
              <Button onClick={() => setMade(one)}>{t.requestOpen}</Button>
              <Button look="bad" onClick={() => revoke.mutate({ invite: one.id })}>
                {t.revoke}
              </Button>
            </Row>
          ))}
        </Rows>
      )}
    </Section>
  );
}
