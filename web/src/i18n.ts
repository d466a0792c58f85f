import i18next from "i18next";
import { useEffect } from "react";
import { initReactI18next } from "react-i18next";
import { answerLanguage } from "./api/client";
import en from "./locales/en.json";
import fr from "./locales/fr.json";

export const LANGUAGES = ["en", "fr"] as const;
export type Language = (typeof LANGUAGES)[number];

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof en };
  }
}

const STORED = "dialtone.language";
const isLanguage = (value: unknown): value is Language => LANGUAGES.includes(value as Language);

/** What was chosen on the sign-in page, else the first language of the browser that we speak, else English. */
export function browserLanguage(): Language {
  const wanted = [localStorage.getItem(STORED), ...navigator.languages.map((tag) => tag.slice(0, 2))];
  return wanted.find(isLanguage) ?? "en";
}

/** The member's own choice wins over the browser's. */
export function useLanguage(choice: string | null | undefined): void {
  const language = isLanguage(choice) ? choice : browserLanguage();
  useEffect(() => {
    if (i18next.language !== language) void i18next.changeLanguage(language);
  }, [language]);
}

export function chooseBrowserLanguage(language: Language): void {
  localStorage.setItem(STORED, language);
  void i18next.changeLanguage(language);
}

i18next.on("languageChanged", (language) => {
  answerLanguage.current = language;
  document.documentElement.lang = language;
});

void i18next.use(initReactI18next).init({
  resources: { en: { translation: en }, fr: { translation: fr } },
  lng: browserLanguage(),
  fallbackLng: "en",
  interpolation: { escapeValue: false },
});
