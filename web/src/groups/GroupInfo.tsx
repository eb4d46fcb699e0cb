/** A group: who is in it, what they may do, its rules, and the ways out. */
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useAct, useGroup } from "../api/queries";
import type { GroupView } from "../api/schema";
import { useWords } from "../i18n";
import { Facts, Page, Section } from "../ui/Page";
import { Avatar, Button, Failure, Field, Notice, Sure } from "../ui/parts";
import { GroupLink } from "./GroupLink";
import { Members } from "./Members";
import { Rules } from "./Rules";

export const STALE = ["groups", "conversations"];

export function GroupInfo() {
  const t = useWords();
  const { id = "" } = useParams({ strict: false });
  const found = useGroup(id);
  const group = found.data;
  return (
    <Page title={group?.name ?? t.groups} back={group?.state === "member" ? `/chats/${id}` : "/chats"}>
      <Failure error={found.error} onRetry={() => found.refetch()} />
      {group && <Standing group={group} />}
      {group?.state === "member" && <Member group={group} />}
    </Page>
  );
}

function Standing({ group }: { group: GroupView }) {
  const t = useWords();
  const go = useNavigate();
  const accept = useAct("/api/groups/accept", STALE, () => go({ to: "/chats/$id", params: { id: group.id } }));
  const decline = useAct("/api/groups/leave", STALE, () => go({ to: "/chats" }));
  const anew = useAct("/api/groups/anew", STALE);
  return (
    <div className="flex flex-col items-center gap-3 text-center">
      <Avatar name={group.name} of={group.id} size="lg" />
      <p className="text-soft">{t.members(group.people.length)}</p>
      {group.state === "invited" && (
        <>
          <p>{t.groupInvited(group.inviter)}</p>
          <div className="flex gap-2">
            <Button onClick={() => decline.mutate({ group: group.id })}>{t.declineGroup}</Button>
            <Button look="main" onClick={() => accept.mutate({ group: group.id })}>
              {t.accept}
            </Button>
          </div>
        </>
      )}
      {(group.state === "joining" || group.state === "waiting" || group.state === "creating") && <p role="status">{t.groupJoining}</p>}
      {(group.state === "left" || group.state === "removed" || group.state === "leaving") && <p>{t.groupOver}</p>}
      {group.state === "member" && (
        <Link
          to="/chats/$id"
          params={{ id: group.id }}
          className="inline-flex min-h-11 items-center rounded-lg bg-accent px-4 font-medium text-accent-ink"
        >
          {t.startChat}
        </Link>
      )}
      {group.trouble && (
        <Notice tone="bad">
          <span>{t.groupTrouble}</span> <code>{group.trouble}</code>
          {group.trouble === "group.bad_commit" && <Button onClick={() => anew.mutate({ group: group.id })}>{t.groupAnew}</Button>}
        </Notice>
      )}
      <Failure error={accept.error ?? decline.error ?? anew.error} />
    </div>
  );
}

function Member({ group }: { group: GroupView }) {
  const t = useWords();
  const manages = group.role !== "member";
  return (
    <>
      {manages && <Name key={group.name} group={group} />}
      <Members group={group} />
      <Rules group={group} />
      {manages && <GroupLink group={group} />}
      <Section title={t.roster}>
        <p className="text-sm text-soft">{t.rosterText}</p>
        <code dir="ltr" className="font-mono tabular-nums">
          {group.roster.match(/.{1,5}/g)?.join(" ")}
        </code>
        <Facts facts={[[t.hub, <bdi key="hub">{group.hub}</bdi>]]} />
      </Section>
      <Leave group={group} />
    </>
  );
}

function Name({ group }: { group: GroupView }) {
  const t = useWords();
  const [name, setName] = useState(group.name);
  const rename = useAct("/api/groups/rename", STALE);
  return (
    <form
      className="flex items-end gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        rename.mutate({ group: group.id, name: name.trim() });
      }}
    >
      <Field label={t.groupName} value={name} onChange={(e) => setName(e.target.value)} required className="flex-1" />
      <Button type="submit" disabled={!name.trim() || name.trim() === group.name}>
        {t.save}
      </Button>
      <Failure error={rename.error} />
    </form>
  );
}

function Leave({ group }: { group: GroupView }) {
  const t = useWords();
  const go = useNavigate();
  const [sure, setSure] = useState(false);
  const leave = useAct("/api/groups/leave", STALE, () => go({ to: "/chats" }));
  return (
    <Section>
      <Button look="bad" className="self-start" onClick={() => setSure(true)}>
        {t.leaveGroup}
      </Button>
      <Failure error={leave.error} />
      {sure && (
        <Sure
          title={t.leaveGroup}
          text={t.leaveGroupText}
          act={t.leaveGroup}
          onAct={() => {
            setSure(false);
            leave.mutate({ group: group.id });
          }}
          onClose={() => setSure(false)}
        />
      )}
    </Section>
  );
}
