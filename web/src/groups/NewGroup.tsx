import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useAct } from "../api/queries";
import { useWords } from "../i18n";
import { Page, Section } from "../ui/Page";
import { Button, Failure, Field } from "../ui/parts";

const STALE = ["groups", "conversations"];

export function NewGroup() {
  const t = useWords();
  const go = useNavigate();
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const open = (group: { id: string }) => go({ to: "/groups/$id", params: { id: group.id } });
  const create = useAct("/api/groups/create", STALE, open);
  const join = useAct("/api/groups/join", STALE, open);
  const on = (work: () => void) => (event: FormEvent) => {
    event.preventDefault();
    work();
  };
  return (
    <Page title={t.newGroup} back="/new">
      <form className="flex flex-col gap-3" onSubmit={on(() => create.mutate({ name: name.trim() }))}>
        <Field label={t.groupName} value={name} onChange={(e) => setName(e.target.value)} required autoFocus />
        <Failure error={create.error} />
        <Button type="submit" look="main" className="self-start" disabled={create.isPending}>
          {t.createGroup}
        </Button>
      </form>
      <Section title={t.joinGroup}>
        <form className="flex items-end gap-2" onSubmit={on(() => join.mutate({ text: text.trim() }))}>
          <Field label={t.groupLink} value={text} onChange={(e) => setText(e.target.value)} required dir="ltr" className="flex-1" />
          <Button type="submit" disabled={join.isPending}>
            {t.joinGroup}
          </Button>
        </form>
        <Failure error={join.error} />
      </Section>
    </Page>
  );
}
