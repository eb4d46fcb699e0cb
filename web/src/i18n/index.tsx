/** The language of the app: its words, its direction and its way to write times. */
import { DirectionProvider } from "@base-ui/react/direction-provider";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { ar } from "./ar";
import { en, type Words } from "./en";

export const LANGUAGES = { en: "English", ar: "العربية" } as const;
export type Language = keyof typeof LANGUAGES;
const WORDS: Record<Language, Words> = { en, ar };
const KEPT = "connexa.language";

interface Speech {
  language: Language;
  choose: (language: Language) => void;
}

const Context = createContext<Speech>({ language: "en", choose: () => {} });

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, choose] = useState<Language>(document.documentElement.lang === "ar" ? "ar" : "en");
  useEffect(() => {
    document.documentElement.lang = language;
    document.documentElement.dir = directionOf(language);
  }, [language]);
  const speech = useMemo(() => {
    const keep = (to: Language) => {
      localStorage.setItem(KEPT, to);
      choose(to);
    };
    return { language, choose: keep };
  }, [language]);
  return (
    <DirectionProvider direction={directionOf(language)}>
      <Context value={speech}>{children}</Context>
    </DirectionProvider>
  );
}

function directionOf(language: Language): "rtl" | "ltr" {
  return language === "ar" ? "rtl" : "ltr";
}

export function useLanguage(): Speech {
  return useContext(Context);
}

export function useWords(): Words {
  return WORDS[useContext(Context).language];
}

/** Times in the language of the app; `seconds` are the node's unix seconds. */
export function useTimes() {
  const { language } = useLanguage();
  const t = useWords();
  return useMemo(() => {
    const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
    const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "long", year: "numeric" });
    const near = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });
    const short = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });
    const both = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
    const dayName = (seconds: number) => {
      const age = daysAgo(seconds);
      if (age === 0) return t.today;
      if (age === 1) return t.yesterday;
      return (age < 180 ? near : day).format(seconds * 1000);
    };
    return {
      clock: (seconds: number) => clock.format(seconds * 1000),
      day: dayName,
      brief: (seconds: number) => (daysAgo(seconds) === 0 ? clock : short).format(seconds * 1000),
      both: (seconds: number) => (seconds ? both.format(seconds * 1000) : t.never),
    };
  }, [language, t]);
}

/** The day of a moment in this time zone, as a number that grows by one each day. */
export function dayOf(seconds: number): number {
  const date = new Date(seconds * 1000);
  return Math.floor(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000);
}

function daysAgo(seconds: number): number {
  return dayOf(Date.now() / 1000) - dayOf(seconds);
}
