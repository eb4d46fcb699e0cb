import { Link } from "@tanstack/react-router";
import { UserPlus } from "lucide-react";
import { useState } from "react";
import { useContacts } from "../api/queries";
import { useWords } from "../i18n";
import { Page } from "../ui/Page";
import { Avatar, Empty, Failure, INPUT } from "../ui/parts";
import { Trust } from "./trust";

export function Contacts() {
  const t = useWords();
  const found = useContacts();
  const [find, setFind] = useState("");
  const sought = find.trim().toLocaleLowerCase();
  const items = (found.data?.items ?? [])
    .filter((one) => one.state === "accepted" || one.state === "requested" || one.state === "blocked")
    .filter((one) => !sought || `${one.name} ${one.address}`.toLocaleLowerCase().includes(sought))
    .sort((a, b) => (a.name || a.address).localeCompare(b.name || b.address));
  return (
    <Page
      title={t.contacts}
      actions={
        <Link
          to="/new"
          aria-label={t.addContact}
          title={t.addContact}
          className="inline-flex size-11 items-center justify-center rounded-lg text-accent-text hover:bg-hover"
        >
          <UserPlus size={20} aria-hidden="true" />
        </Link>
      }
    >
      <Failure error={found.error} onRetry={() => found.refetch()} />
      {found.data?.items.length ? (
        <input
          type="search"
          aria-label={t.search}
          placeholder={t.search}
          value={find}
          onChange={(e) => setFind(e.target.value)}
          className={INPUT}
          dir="auto"
        />
      ) : null}
      {found.data && items.length === 0 ? (
        <Empty title={t.noContactsTitle} text={t.noContactsText} />
      ) : (
        <ul className="flex flex-col gap-1">
          {items.map((one) => (
            <li key={one.user || one.address}>
              <Link to="/contacts/$who" params={{ who: one.address }} className="flex items-center gap-3 rounded-xl p-2 hover:bg-hover">
                <Avatar name={one.name || one.address} of={one.conversation} />
                <span className="min-w-0 flex-1">
                  <bdi className="block truncate font-semibold">{one.name || one.address}</bdi>
                  {one.name && <bdi className="block truncate text-sm text-soft">{one.address}</bdi>}
                </span>
                {one.state === "requested" ? (
                  <span className="text-sm text-soft">{t.stateRequested}</span>
                ) : one.state === "blocked" ? (
                  <span className="text-sm text-soft">{t.stateBlocked}</span>
                ) : (
                  <Trust tier={one.trust} />
                )}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Page>
  );
}
