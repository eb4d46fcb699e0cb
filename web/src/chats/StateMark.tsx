/** How far a message of ours has come: a sign with a name, never a colour alone. */
import { AlertCircle, Check, CheckCheck, Clock, Eye } from "lucide-react";
import type { MessageState } from "../api/schema";
import { useWords } from "../i18n";

const SIGNS = { queued: Clock, accepted: Check, delivered: CheckCheck, read: Eye, refused: AlertCircle, expired: AlertCircle } as const;

export function StateMark({ state }: { state: MessageState }) {
  const t = useWords();
  if (state === "received") return null;
  const Sign = SIGNS[state];
  return <Sign size={15} role="img" aria-label={t[state]} className="shrink-0" />;
}
