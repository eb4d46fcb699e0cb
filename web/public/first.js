// Runs before the app and before the first paint, so that nobody sees the other theme flash. A file of its own: the page's policy
// allows no inline script.
(() => {
  const read = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  };
  const root = document.documentElement;
  const theme = read("connexa.theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const language = read("connexa.language") || (navigator.language.startsWith("ar") ? "ar" : "en");
  root.lang = language;
  root.dir = language === "ar" ? "rtl" : "ltr";
  // A link with a one-time key may be opened in a tab where the app stands already: that changes the fragment alone, which for the
  // app's router would be a place that does not exist.
  window.addEventListener(
    "popstate",
    (event) => {
      if (!location.hash.startsWith("#k=")) return;
      event.stopImmediatePropagation();
      location.reload();
    },
    true,
  );
})();
