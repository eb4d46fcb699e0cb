/** The way between the parts of the app: at the side, or at the foot of a phone. */
import { Link, useRouterState } from "@tanstack/react-router";
import { Contact, Inbox, MessageCircle, Settings } from "lucide-react";
import { useNode } from "../api/node";
import { useRequests } from "../api/queries";
import { useWords } from "../i18n";
import { Avatar, classes } from "../ui/parts";

export function Rail() {
  const t = useWords();
  const { account } = useNode();
  const requests = useRequests().data?.items.length ?? 0;
  const path = useRouterState({ select: (state) => state.location.pathname });
  const inChat = /^\/chats\/./.test(path); // on a phone an open chat has the whole screen
  const places = [
    { to: "/chats", icon: MessageCircle, name: t.chats, count: account?.unread ?? 0 },
    { to: "/requests", icon: Inbox, name: t.requests, count: requests },
    { to: "/contacts", icon: Contact, name: t.contacts, count: 0 },
    { to: "/settings", icon: Settings, name: t.settings, count: 0 },
  ];
  return (
    <nav
      aria-label={t.app}
      className={classes(
        "shrink-0 border-line bg-panel max-md:border-t md:flex md:w-20 md:flex-col md:items-center md:border-e md:py-3",
        inChat && "max-md:hidden",
      )}
    >
      <ul className="flex justify-around gap-1 md:flex-1 md:flex-col md:justify-start">
        {places.map(({ to, icon: Icon, name, count }) => {
          const here = path.startsWith(to);
          return (
            <li key={to}>
              <Link
                to={to}
                aria-current={here ? "page" : undefined}
                className={classes(
                  "relative flex min-h-14 w-20 flex-col items-center justify-center gap-0.5 rounded-xl text-[0.6875rem] font-medium md:w-16",
                  here ? "text-accent-text md:bg-accent-soft" : "text-soft hover:text-ink",
                )}
              >
                <Icon size={22} aria-hidden="true" />
                <span>{name}</span>
                {count > 0 && <Count className="absolute end-3 top-1" count={count} />}
              </Link>
            </li>
          );
        })}
      </ul>
      {account && (
        <Link to="/settings" aria-label={account.address} title={account.address} className="hidden rounded-full md:block">
          <Avatar name={account.name || account.address} of={account.user} />
        </Link>
      )}
    </nav>
  );
}

export function Count({ count, className }: { count: number; className?: string }) {
  const t = useWords();
  return (
    <span
      className={classes(
        "inline-flex min-w-5 items-center justify-center rounded-full bg-accent px-1.5 text-xs font-semibold text-accent-ink",
        className,
      )}
    >
      <span aria-hidden="true">{count > 999 ? "999+" : count}</span>
      <span className="sr-only">{t.unreadCount(count)}</span>
    </span>
  );
}
