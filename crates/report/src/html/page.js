"use strict";

// The button that switches between light and dark, and what printing needs.
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  // A page from disk may not be allowed to keep anything.
  const kept = {
    read() { try { return localStorage.getItem("ablate-theme"); } catch { return null; } },
    write(theme) { try { localStorage.setItem("ablate-theme", theme); } catch { /* not kept */ } },
  };
  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
  const label = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  const theme = kept.read();
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  button.setAttribute("aria-label", "Switch between light and dark");
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    kept.write(root.dataset.theme);
    label();
  });
  system.addEventListener("change", label);
  label();
  button.hidden = false;

  // What is folded away cannot be unfolded on paper.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const part of folded) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of folded) part.open = false;
  });
})();
