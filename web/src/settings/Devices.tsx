import { type FormEvent, useState } from "react";
import { useNode } from "../api/node";
import { useAct, useDevices } from "../api/queries";
import type { ApprovalView, DeviceView } from "../api/schema";
import { useTimes, useWords } from "../i18n";
import { Page, Row, Rows, Section } from "../ui/Page";
import { Button, Failure, Field, Notice, Sure } from "../ui/parts";

export function Devices() {
  const t = useWords();
  const { account } = useNode();
  const found = useDevices();
  return (
    <Page title={t.devices} back="/settings">
      <Failure error={found.error} onRetry={() => found.refetch()} />
      <Rows>
        {found.data?.items.map((one) => (
          <Device key={one.id} one={one} primary={account?.primary === true} />
        ))}
      </Rows>
      {account?.primary ? <LinkAnother /> : <Notice tone="plain">{t.onlyPrimary}</Notice>}
    </Page>
  );
}

const SHORT = 8;

function Device({ one, primary }: { one: DeviceView; primary: boolean }) {
  const t = useWords();
  const times = useTimes();
  const [sure, setSure] = useState(false);
  const revoke = useAct("/api/devices/revoke", ["devices", "accounts"]);
  const marks = [one.this && t.thisDevice, one.primary && t.primaryDevice].filter(Boolean).join(" · ");
  return (
    <Row>
      <span className="min-w-0 flex-1">
        <bdi className="block truncate font-medium">{one.name || one.id.slice(0, SHORT)}</bdi>
        <span className="block text-sm text-soft">
          {marks && `${marks} · `}
          {t.addedAt(times.both(one.added))}
          {!one.this && one.last_seen > 0 && ` · ${t.lastSeen(times.both(one.last_seen))}`}
        </span>
      </span>
      {primary && !one.this && (
        <Button look="bad" onClick={() => setSure(true)}>
          {t.revokeDevice}
        </Button>
      )}
      <Failure error={revoke.error} />
      {sure && (
        <Sure
          title={t.revokeDevice}
          text={t.revokeDeviceText}
          act={t.revokeDevice}
          onAct={() => {
            setSure(false);
            revoke.mutate({ device: one.id });
          }}
          onClose={() => setSure(false)}
        />
      )}
    </Row>
  );
}

/** Meet the new device by its code, then let it in by its digits: one try. */
function LinkAnother() {
  const t = useWords();
  const [code, setCode] = useState("");
  const [digits, setDigits] = useState("");
  const [met, setMet] = useState<ApprovalView | null>(null);
  const approve = useAct("/api/devices/approve", [], setMet);
  const over = () => {
    setMet(null);
    setCode("");
    setDigits("");
  };
  const confirm = useAct("/api/devices/confirm", ["devices", "accounts"], over);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (met) confirm.mutate({ approval: met.id, digits: digits.replace(/\D/g, "") }, { onError: over });
    else approve.mutate({ code: code.trim() });
  };
  return (
    <Section title={t.linkNewDevice}>
      <p className="text-soft">{t.linkNewText}</p>
      <form className="flex items-end gap-2" onSubmit={submit}>
        {met ? (
          <Field
            label={`${t.linkDigits} (${met.name || met.device.slice(0, SHORT)})`}
            value={digits}
            onChange={(e) => setDigits(e.target.value)}
            inputMode="numeric"
            required
            dir="ltr"
            className="flex-1"
          />
        ) : (
          <Field label={t.linkCode} value={code} onChange={(e) => setCode(e.target.value)} required dir="ltr" className="flex-1" />
        )}
        <Button type="submit" look="main" disabled={approve.isPending || confirm.isPending}>
          {met ? t.letIn : t.next}
        </Button>
      </form>
      <Failure error={approve.error ?? confirm.error} />
    </Section>
  );
}
