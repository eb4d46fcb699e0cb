import { ShieldAlert, ShieldCheck, ShieldQuestion } from "lucide-react";
import type { TrustTier } from "../api/schema";
import { useWords } from "../i18n";

/** What stands behind a key: a sign and its words. */
export function Trust({ tier }: { tier: TrustTier }) {
  const t = useWords();
  const words = {
    unknown: t.trustUnknown,
    provisional: t.trustProvisional,
    attested: t.trustAttested,
    verified: t.trustVerified,
    changed: t.trustChanged,
  };
  const Sign = tier === "verified" ? ShieldCheck : tier === "changed" ? ShieldAlert : ShieldQuestion;
  const look = tier === "verified" ? "text-good" : tier === "changed" ? "text-bad" : "text-soft";
  return (
    <span className={`inline-flex items-center gap-1.5 text-sm ${look}`}>
      <Sign size={16} aria-hidden="true" className="shrink-0" />
      {words[tier]}
    </span>
  );
}

const FOUR = /.{1,4}/g;

/** A fingerprint in groups of four, as people read it. */
export function Fingerprint({ text }: { text: string }) {
  return (
    <code dir="ltr" className="font-mono text-sm">
      {text.match(FOUR)?.join(" ")}
    </code>
  );
}
