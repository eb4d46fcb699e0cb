import { Menu } from "@base-ui/react/menu";
import { EllipsisVertical } from "lucide-react";
import { useState } from "react";
import { useAct, useContacts } from "../api/queries";
import type { GroupPersonView, GroupRole, GroupView } from "../api/schema";
import { useWords } from "../i18n";
import { Row, Rows, Section } from "../ui/Page";
import { Avatar, Button, Failure, Sheet } from "../ui/parts";
import { STALE } from "./GroupInfo";

const RANK: Record<GroupRole, number> = { owner: 2, admin: 1, member: 0 };

export function Members({ group }: { group: GroupView }) {
  const t = useWords();
  const [inviting, setInviting] = useState(false);
  const roles = { owner: t.roleOwner, admin: t.roleAdmin, member: t.roleMember };
  const people = [...group.people].sort((a, b) => RANK[b.role] - RANK[a.role] || a.address.localeCompare(b.address));
  const manages = group.role === "owner" || group.role === "admin";
  return (
    <Section title={t.members(people.length)}>
      <Rows>
        {people.map((one) => (
          <Row key={one.user}>
            <Avatar name={one.name || one.address} of={one.user} size="sm" />
            <span className="min-w-0 flex-1">
              <bdi className="block truncate font-medium">{one.me ? t.you : one.name || one.address}</bdi>
              {one.name && !one.me && <bdi className="block truncate text-sm text-soft">{one.address}</bdi>}
            </span>
            <span className="text-sm text-soft">{roles[one.role]}</span>
            {manages && !one.me && RANK[one.role] < RANK[group.role ?? "member"] + (group.role === "owner" ? 1 : 0) && (
              <Acts group={group} one={one} />
            )}
          </Row>
        ))}
      </Rows>
      {manages && (
        <Button className="self-start" onClick={() => setInviting(true)}>
          {t.inviteToGroup}
        </Button>
      )}
      {inviting && <Invite group={group} onClose={() => setInviting(false)} />}
    </Section>
  );
}

const ITEM = "flex min-h-10 cursor-pointer items-center rounded-lg px-3 outline-none data-[highlighted]:bg-hover";

function Acts({ group, one }: { group: GroupView; one: GroupPersonView }) {
  const t = useWords();
  const role = useAct("/api/groups/role", STALE);
  const remove = useAct("/api/groups/remove", STALE);
  const words: Record<GroupRole, string> = { owner: t.makeOwner, admin: t.makeAdmin, member: t.makeMember };
  const may = (group.role === "owner" ? ["owner", "admin", "member"] : []) as GroupRole[];
  const target = { group: group.id, who: one.user };
  return (
    <>
      <Menu.Root>
        <Menu.Trigger aria-label={t.more} className="inline-flex size-10 items-center justify-center rounded-lg text-soft hover:bg-hover">
          <EllipsisVertical size={18} aria-hidden="true" />
        </Menu.Trigger>
        <Menu.Portal>
          <Menu.Positioner align="end" sideOffset={4} className="z-30">
            <Menu.Popup className="min-w-44 rounded-xl border border-line bg-raised p-1 shadow-xl outline-none">
              {may
                .filter((to) => to !== one.role)
                .map((to) => (
                  <Menu.Item key={to} className={ITEM} onClick={() => role.mutate({ ...target, role: to })}>
                    {words[to]}
                  </Menu.Item>
                ))}
              <Menu.Item className={`${ITEM} text-bad`} onClick={() => remove.mutate(target)}>
                {t.removeFromGroup}
              </Menu.Item>
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
      <Failure error={role.error ?? remove.error} />
    </>
  );
}

function Invite({ group, onClose }: { group: GroupView; onClose: () => void }) {
  const t = useWords();
  const contacts = useContacts();
  const invite = useAct("/api/groups/invite", STALE);
  const inside = new Set(group.people.map((one) => one.user));
  const others = contacts.data?.items.filter((one) => one.state === "accepted" && !inside.has(one.user)) ?? [];
  return (
    <Sheet title={t.inviteWho} open onClose={onClose}>
      {others.length === 0 && <p className="text-soft">{t.nobodyToInvite}</p>}
      <ul className="flex flex-col gap-1">
        {others.map((one) => (
          <li key={one.user} className="flex items-center gap-3">
            <Avatar name={one.name || one.address} of={one.conversation} size="sm" />
            <bdi className="min-w-0 flex-1 truncate">{one.name || one.address}</bdi>
            <Button disabled={invite.isPending} onClick={() => invite.mutate({ group: group.id, who: one.address })}>
              {t.inviteToGroup}
            </Button>
          </li>
        ))}
      </ul>
      <Failure error={invite.error} />
    </Sheet>
  );
}
