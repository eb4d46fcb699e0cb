/** The small parts that every screen is made of. */
import { AlertDialog } from "@base-ui/react/alert-dialog";
import { Dialog } from "@base-ui/react/dialog";
import { type ButtonHTMLAttributes, type InputHTMLAttributes, type ReactNode, useEffect, useId, useState } from "react";
import { ApiError } from "../api/client";
import { useWords } from "../i18n";

export function classes(...names: (string | false | undefined)[]): string {
  return names.filter(Boolean).join(" ");
}

const LOOKS = {
  main: "bg-accent text-accent-ink hover:opacity-90",
  plain: "border border-line bg-raised text-ink hover:bg-hover",
  quiet: "text-accent-text hover:bg-hover",
  bad: "border border-line bg-raised text-bad hover:bg-bad-soft",
};

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: keyof typeof LOOKS;
}

export function Button({ look = "plain", className, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={classes(
        "inline-flex min-h-11 items-center justify-center gap-2 rounded-lg px-4 font-medium transition-colors disabled:opacity-50",
        LOOKS[look],
        className,
      )}
      {...rest}
    />
  );
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  label: string;
}

/** A button that is an icon; its name is for those who do not see it, and for the pointer that rests on it. */
export function IconButton({ label, className, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={classes(
        "inline-flex size-11 shrink-0 items-center justify-center rounded-lg text-soft hover:bg-hover hover:text-ink",
        className,
      )}
      {...rest}
    />
  );
}

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  label: string;
  hint?: string;
}

export function Field({ label, hint, className, ...rest }: FieldProps) {
  const id = useId();
  return (
    <div className={classes("flex flex-col gap-1", className)}>
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      <input id={id} aria-describedby={hint ? `${id}-hint` : undefined} dir="auto" autoComplete="off" className={INPUT} {...rest} />
      {hint && (
        <p id={`${id}-hint`} className="text-sm text-soft">
          {hint}
        </p>
      )}
    </div>
  );
}

export const INPUT = "min-h-11 w-full rounded-lg border border-line bg-raised px-3 py-2 text-ink placeholder:text-soft";

interface ChoiceProps {
  label: string;
  value: string;
  options: [string, string][];
  disabled?: boolean;
  onChoose: (value: string) => void;
}

/** One of a few. */
export function Choice({ label, value, options, disabled, onChoose }: ChoiceProps) {
  const id = useId();
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      <select id={id} value={value} disabled={disabled} onChange={(e) => onChoose(e.target.value)} className={INPUT}>
        {options.map(([key, name]) => (
          <option key={key} value={key}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}

const HUES = ["#0f766e", "#3b5bdb", "#7048b6", "#a61e4d", "#8a4b08", "#2b6a30", "#1c6a9c", "#8d3d73"];

/** The first letter of a name on a colour that belongs to it; decoration, the name stands beside it. */
export function Avatar({ name, of, size = "md" }: { name: string; of: string; size?: "sm" | "md" | "lg" }) {
  let sum = 0;
  for (const letter of of) sum = (sum * 31 + letter.charCodeAt(0)) >>> 0;
  const wide = { sm: "size-7 text-xs", md: "size-11 text-base", lg: "size-20 text-3xl" }[size];
  const first = [...name.trim()][0]?.toLocaleUpperCase() ?? "?";
  return (
    <span
      aria-hidden="true"
      className={classes("inline-flex shrink-0 items-center justify-center rounded-full font-semibold text-white select-none", wide)}
      style={{ backgroundColor: HUES[sum % HUES.length] }}
    >
      {first}
    </span>
  );
}

/** What a refusal says, and what to do about it. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const t = useWords();
  if (!error) return null;
  const known = error instanceof ApiError ? error : null;
  return (
    <div role="alert" className="flex flex-col gap-1 rounded-lg bg-bad-soft px-3 py-2 text-sm text-bad">
      <p dir="auto" className="font-medium">
        {known?.message ?? t.somethingFailed}
      </p>
      {known?.hint && <p dir="auto">{known.hint}</p>}
      {known && <code className="text-xs opacity-80">{known.code}</code>}
      {onRetry && (
        <button type="button" className="self-start underline" onClick={onRetry}>
          {t.retry}
        </button>
      )}
    </div>
  );
}

export function Notice({ tone = "warn", children }: { tone?: "warn" | "bad" | "plain"; children: ReactNode }) {
  const look = { warn: "bg-warn-soft text-warn", bad: "bg-bad-soft text-bad", plain: "bg-panel text-soft" }[tone];
  return <div className={classes("flex flex-wrap items-center gap-x-3 gap-y-1 rounded-lg px-3 py-2 text-sm", look)}>{children}</div>;
}

export function Empty({ title, text, children }: { title: string; text: string; children?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-3 px-6 py-12 text-center">
      <p className="text-lg font-semibold">{title}</p>
      <p className="max-w-xs text-soft">{text}</p>
      {children}
    </div>
  );
}

const COPIED_SECONDS = 2;

export function CopyButton({ text, label }: { text: string; label?: string }) {
  const t = useWords();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = window.setTimeout(() => setCopied(false), COPIED_SECONDS * 1000);
    return () => window.clearTimeout(timer);
  }, [copied]);
  return (
    <Button onClick={() => navigator.clipboard.writeText(text).then(() => setCopied(true))}>
      <span aria-live="polite">{copied ? t.copied : (label ?? t.copy)}</span>
    </Button>
  );
}

const POPUP =
  "fixed top-1/2 left-1/2 z-50 flex max-h-[90dvh] w-[min(28rem,calc(100vw-2rem))] -translate-x-1/2 -translate-y-1/2 flex-col gap-4 overflow-auto rounded-2xl border border-line bg-raised p-5 shadow-2xl";
const BACKDROP = "fixed inset-0 z-40 bg-black/40";

interface SheetProps {
  title: string;
  open: boolean;
  onClose: () => void;
  children: ReactNode;
}

/** A dialog over the page. */
export function Sheet({ title, open, onClose, children }: SheetProps) {
  const t = useWords();
  return (
    <Dialog.Root open={open} onOpenChange={(now) => !now && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={BACKDROP} />
        <Dialog.Popup className={POPUP}>
          <div className="flex items-center justify-between gap-2">
            <Dialog.Title className="text-lg font-semibold">{title}</Dialog.Title>
            <Dialog.Close
              aria-label={t.close}
              className="inline-flex size-11 items-center justify-center rounded-lg text-soft hover:bg-hover"
            >
              ✕
            </Dialog.Close>
          </div>
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

interface SureProps {
  title: string;
  text: string;
  act: string;
  onAct: () => void;
  onClose: () => void;
}

/** Asks once before something that cannot be taken back. */
export function Sure({ title, text, act, onAct, onClose }: SureProps) {
  const t = useWords();
  return (
    <AlertDialog.Root open onOpenChange={(open) => !open && onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className={BACKDROP} />
        <AlertDialog.Popup className={POPUP}>
          <AlertDialog.Title className="text-lg font-semibold">{title}</AlertDialog.Title>
          <AlertDialog.Description className="text-soft">{text}</AlertDialog.Description>
          <div className="flex justify-end gap-2">
            <Button onClick={onClose}>{t.cancel}</Button>
            <Button look="bad" onClick={onAct}>
              {act}
            </Button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
