/** The language of a track that says none (ISO 639-2). */
export const UNDETERMINED = 'und';

/** Canonical BCP 47 form (`eng` → `en`, `pt-br` → `pt-BR`), or undefined where it is no language tag. */
export function canonicalLanguage(tag: string | undefined): string | undefined {
  if (tag === undefined || !/^[a-z]{2,3}([-_][a-z0-9]{2,8})*$/i.test(tag)) return undefined;
  try {
    const [canonical] = Intl.getCanonicalLocales(tag.replaceAll('_', '-'));
    return canonical === UNDETERMINED ? undefined : canonical;
  } catch {
    return undefined;
  }
}

const isKnown = (tag: string): boolean => {
  const names = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });
  return names.of(tag) !== undefined;
};

/** The language in a file name: `movie_es.m4a`, `movie.es.srt`, `movie_pt-BR.vtt`. */
export function languageOfName(name: string): string | undefined {
  const match = /[._]([a-z]{2,3}(?:-[a-z0-9]{2,8})*)\.[^.]+$/i.exec(name);
  const language = canonicalLanguage(match?.[1]);
  return language !== undefined && isKnown(language) ? language : undefined;
}

/** A language's name in itself, for players' menus: `es` → `español`; the tag where it has none. */
export function languageLabel(language: string): string {
  if (language === UNDETERMINED) return 'Unknown';
  const names = new Intl.DisplayNames([language, 'en'], { type: 'language' });
  const label = names.of(language) ?? language;
  return label.charAt(0).toLocaleUpperCase(language) + label.slice(1);
}
