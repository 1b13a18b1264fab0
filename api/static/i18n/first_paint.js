// Runs before the first paint. A page that the service worker stored may be in another language than the one chosen
// since: it stays invisible until i18n/index.js has translated it, so that the wrong language is never seen.

const chosenLanguage = /(?:^|; )language=(\w+)/.exec(document.cookie)?.[1];
const renderedLanguage = document.documentElement.lang.split("-")[0];
document.documentElement.toggleAttribute(
  "data-untranslated",
  Boolean(chosenLanguage) && chosenLanguage !== renderedLanguage,
);
