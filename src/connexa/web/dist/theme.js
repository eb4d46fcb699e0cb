// Runs before the first paint, so that nobody sees the other theme flash. A file of its own: the page's policy allows no inline script.
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
})();
