/** A screen with a title, one column wide enough to read. */
import { Link } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import type { ReactNode } from "react";
import { useWords } from "../i18n";

interface PageProps {
  title: string;
  back?: string;
  actions?: ReactNode;
  children: ReactNode;
}

export function Page({ title, back, actions, children }: PageProps) {
  const t = useWords();
  return (
    <main id="content" tabIndex={-1} className="flex h-full min-w-0 flex-1 flex-col overflow-auto bg-page outline-none">
      <header className="sticky top-0 z-10 flex min-h-16 items-center gap-2 border-b border-line bg-page px-4">
        {back && (
          <Link
            to={back}
            aria-label={t.back}
            className="-ms-2 inline-flex size-11 items-center justify-center rounded-lg text-soft hover:bg-hover"
          >
            <ArrowLeft size={20} className="rtl:-scale-x-100" />
          </Link>
        )}
        <h1 dir="auto" className="min-w-0 flex-1 truncate text-lg font-semibold">
          {title}
        </h1>
        {actions}
      </header>
      <div className="mx-auto flex w-full max-w-2xl flex-col gap-6 p-4 pb-12">{children}</div>
    </main>
  );
}

export function Section({ title, children }: { title?: string; children: ReactNode }) {
  return (
    <section className="flex flex-col gap-3">
      {title && <h2 className="text-sm font-semibold text-soft">{title}</h2>}
      {children}
    </section>
  );
}

/** A list of rows in one frame. */
export function Rows({ children }: { children: ReactNode }) {
  return <ul className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-raised">{children}</ul>;
}

export function Row({ children }: { children: ReactNode }) {
  return <li className="flex min-h-14 flex-wrap items-center gap-3 px-4 py-2">{children}</li>;
}

/** Names and what they stand for. */
export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="grid grid-cols-[minmax(7rem,auto)_1fr] gap-x-4 gap-y-2 text-sm">
      {facts.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-soft">{name}</dt>
          <dd className="min-w-0 break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
