import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { read } from "../api/client";
import { useNode } from "../api/node";
import { useAct } from "../api/queries";
import { useTimes, useWords } from "../i18n";
import { Facts, Page, Row, Rows } from "../ui/Page";
import { Button, Failure, Notice } from "../ui/parts";

const HOUR = 3600;

export function Backups() {
  const t = useWords();
  const times = useTimes();
  const { account } = useNode();
  const address = account?.address ?? "";
  const enabled = account?.primary === true;
  const schedule = useQuery({
    queryKey: ["backup", address, "schedule"],
    queryFn: () => read("/api/backup/schedule", { account: address }),
    enabled,
  });
  const files = useQuery({
    queryKey: ["backup", address, "files"],
    queryFn: () => read("/api/backup/files", { account: address }),
    enabled,
  });
  const create = useAct("/api/backup/create", ["backup"]);
  const verify = useAct("/api/backup/verify", []);
  const plan = schedule.data;
  return (
    <Page title={t.backups} back="/settings">
      {!enabled && <Notice tone="plain">{t.backupPrimary}</Notice>}
      <Failure error={schedule.error ?? files.error} />
      {plan && (
        <>
          {plan.failed > plan.made && (
            <Notice tone="bad">
              {t.backupFailed} <code>{plan.failure}</code>
            </Notice>
          )}
          <Facts
            facts={[
              [t.backupLast, plan.made ? times.both(plan.made) : t.backupNone],
              [t.backupWhere, <bdi key="where">{plan.directory}</bdi>],
              [
                "",
                plan.active ? (
                  t.backupEvery(Math.round(plan.every / HOUR))
                ) : (
                  <Link key="words" to="/settings/words" className="underline">
                    {t.backupOff}
                  </Link>
                ),
              ],
            ]}
          />
          <div className="flex flex-wrap gap-2">
            <Button look="main" onClick={() => create.mutate({})} disabled={create.isPending}>
              {t.backupNow}
            </Button>
            <Button onClick={() => verify.mutate({})} disabled={verify.isPending || !files.data?.items.length}>
              {t.backupVerify}
            </Button>
          </div>
        </>
      )}
      <p role="status">{verify.data && t.backupVerified(verify.data.messages, verify.data.contacts)}</p>
      <Failure error={create.error ?? verify.error} />
      {files.data && files.data.items.length > 0 && (
        <Rows>
          {files.data.items.map((one) => (
            <Row key={one.path}>
              <bdi className="min-w-0 flex-1 truncate font-mono text-sm">{one.path.split("/").at(-1)}</bdi>
              <span className="text-sm text-soft">
                {times.both(one.made)} · {(one.bytes / 1e6).toFixed(1)} MB
              </span>
            </Row>
          ))}
        </Rows>
      )}
    </Page>
  );
}
