// Before the first paint: the theme the server rendered, else the system's.
(() => {
  const root = document.documentElement;
  if (!root.dataset.bsTheme) {
    root.dataset.bsTheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
})();
document.documentElement.classList.add("js");
