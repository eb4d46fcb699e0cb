import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronRight, HardDriveDownload, HeartPulse, type LucideIcon, MonitorSmartphone, NotebookPen, UserPlus } from "lucide-react";
import { useState } from "react";
import { read } from "../api/client";
import { statusQuery, useNode } from "../api/node";
import { useAct } from "../api/queries";
import type { AccountView } from "../api/schema";
import { LANGUAGES, type Language, useLanguage, useWords } from "../i18n";
import { Fingerprint } from "../people/trust";
import { Facts, Page, Section } from "../ui/Page";
import { Avatar, Button, Choice, CopyButton, Failure, Field } from "../ui/parts";

export function Settings() {
  const t = useWords();
  const { account } = useNode();
  return (
    <Page title={t.settings}>
      {account && <Profile key={account.address} account={account} />}
      <nav aria-label={t.settings} className="flex flex-col gap-1">
        <Way to="/settings/words" icon={NotebookPen} name={t.wordsTitle} />
        <Way to="/settings/backups" icon={HardDriveDownload} name={t.backups} />
        <Way to="/settings/devices" icon={MonitorSmartphone} name={t.devices} />
        <Way to="/settings/health" icon={HeartPulse} name={t.health} />
        <Way to="/settings/account" icon={UserPlus} name={t.addAccount} />
      </nav>
      <Accounts />
      <Appearance />
      <About />
    </Page>
  );
}

type Place = "/settings/words" | "/settings/backups" | "/settings/devices" | "/settings/health" | "/settings/account";

function Way({ to, icon: Icon, name }: { to: Place; icon: LucideIcon; name: string }) {
  return (
    <Link to={to} className="flex min-h-12 items-center gap-3 rounded-xl px-3 hover:bg-hover">
      <Icon size={20} className="text-accent-text" aria-hidden="true" />
      <span className="flex-1 font-medium">{name}</span>
      <ChevronRight size={18} className="text-soft rtl:-scale-x-100" aria-hidden="true" />
    </Link>
  );
}

function Profile({ account }: { account: AccountView }) {
  const t = useWords();
  const [name, setName] = useState(account.name);
  const save = useAct("/api/account/set", ["accounts"]);
  return (
    <Section title={t.profile}>
      <div className="flex items-center gap-4">
        <Avatar name={account.name || account.address} of={account.user} size="lg" />
        <div className="min-w-0">
          <bdi className="block truncate text-lg font-semibold">{account.name || account.address}</bdi>
          <bdi className="block truncate text-soft">{account.address}</bdi>
        </div>
      </div>
      <form
        className="flex items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate({ name: name.trim() });
        }}
      >
        <Field label={t.yourName} hint={t.nameHint} value={name} onChange={(e) => setName(e.target.value)} className="flex-1" />
        <Button type="submit" className="mb-6" disabled={name.trim() === account.name || save.isPending}>
          {t.save}
        </Button>
      </form>
      <Failure error={save.error} />
    </Section>
  );
}

function Accounts() {
  const t = useWords();
  const { accounts, account, choose } = useNode();
  if (!accounts || !account || accounts.length < 2) return null;
  return <Choice label={t.account} value={account.address} options={accounts.map((one) => [one.address, one.address])} onChoose={choose} />;
}

const THEME = "connexa.theme";

function Appearance() {
  const t = useWords();
  const { language, choose } = useLanguage();
  const [theme, setTheme] = useState(() => localStorage.getItem(THEME) ?? "system");
  const take = (to: string) => {
    setTheme(to);
    if (to === "system") {
      localStorage.removeItem(THEME);
      delete document.documentElement.dataset.theme;
    } else {
      localStorage.setItem(THEME, to);
      document.documentElement.dataset.theme = to;
    }
  };
  return (
    <Section title={t.appearance}>
      <div className="grid gap-4 sm:grid-cols-2">
        <Choice
          label={t.theme}
          value={theme}
          options={[
            ["system", t.themeSystem],
            ["light", t.themeLight],
            ["dark", t.themeDark],
          ]}
          onChoose={take}
        />
        <Choice label={t.language} value={language} options={Object.entries(LANGUAGES)} onChoose={(to) => choose(to as Language)} />
      </div>
    </Section>
  );
}

function About() {
  const t = useWords();
  const { account } = useNode();
  const status = useQuery(statusQuery).data;
  const certificate = useQuery({
    queryKey: ["certificate", account?.address],
    queryFn: () => read("/api/account/export", { account: account?.address }),
    enabled: account?.state === "active",
  });
  const link = { up: t.linkUp, connecting: t.linkConnecting, down: t.linkDown }[account?.link ?? "down"] ?? t.linkDown;
  return (
    <Section title={t.about}>
      <Facts
        facts={[
          [t.version, status?.version ?? ""],
          [t.link, link],
          [t.database, status ? `${(status.database_bytes / 1e6).toFixed(1)} MB` : ""],
          [t.fingerprint, account ? <Fingerprint key="f" text={account.fingerprint} /> : ""],
        ]}
      />
      {certificate.data && <CopyButton text={certificate.data.certificate} label={t.exportKey} />}
    </Section>
  );
}
