/** What the doctor says; it may be copied anywhere. */
import { useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, TriangleAlert } from "lucide-react";
import { read } from "../api/client";
import type { CheckView, Verdict } from "../api/schema";
import { useWords } from "../i18n";
import { Page, Row, Rows } from "../ui/Page";
import { Button, CopyButton, Failure } from "../ui/parts";

const SIGNS = { ok: CircleCheck, warning: TriangleAlert, error: CircleAlert };
const LOOKS = { ok: "text-good", warning: "text-warn", error: "text-bad" };

export function Health() {
  const t = useWords();
  const found = useQuery({ queryKey: ["doctor"], queryFn: () => read("/api/doctor", {}), staleTime: 0 });
  const words: Record<Verdict, string> = { ok: t.checkOk, warning: t.checkWarning, error: t.checkError };
  const report = found.data;
  return (
    <Page title={t.healthTitle} back="/settings">
      <p className="text-soft">{t.healthText}</p>
      <Failure error={found.error} />
      {report && (
        <>
          <p role="status" className={`text-lg font-semibold ${LOOKS[report.verdict]}`}>
            {words[report.verdict]}
          </p>
          <Rows>
            {report.checks.map((one) => (
              <Check key={`${one.name}${one.account}`} one={one} word={words[one.verdict]} />
            ))}
          </Rows>
          <div className="flex gap-2">
            <Button onClick={() => found.refetch()} disabled={found.isFetching}>
              {t.healthCheck}
            </Button>
            <CopyButton text={report.checks.map((one) => `${one.verdict}  ${one.name}: ${one.text} ${one.hint}`.trim()).join("\n")} />
          </div>
        </>
      )}
    </Page>
  );
}

function Check({ one, word }: { one: CheckView; word: string }) {
  const Sign = SIGNS[one.verdict];
  return (
    <Row>
      <Sign size={20} role="img" aria-label={word} className={`shrink-0 ${LOOKS[one.verdict]}`} />
      <span className="min-w-0 flex-1" dir="auto">
        {one.text}
        {one.hint && <span className="block text-sm text-soft">{one.hint}</span>}
      </span>
    </Row>
  );
}
