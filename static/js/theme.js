// Sets the theme before anything is painted: the person's choice, else the system's. Runs in <head>, not as a module.
(() => {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const choice = () => {
    try {
      return localStorage.getItem("portico-theme");
    } catch {
      return null;
    }
  };
  const apply = () => {
    root.dataset.bsTheme = choice() ?? (system.matches ? "dark" : "light");
    document.dispatchEvent(new CustomEvent("portico:theme", { detail: root.dataset.bsTheme }));
  };
  root.dataset.script = "on";
  apply();
  system.addEventListener("change", apply);
  window.addEventListener("storage", apply);
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-theme-toggle]")) return;
    const wanted = root.dataset.bsTheme === "dark" ? "light" : "dark";
    try {
      // Choosing what the system says anyway means following it again.
      if (wanted === (system.matches ? "dark" : "light")) localStorage.removeItem("portico-theme");
      else localStorage.setItem("portico-theme", wanted);
      apply();
    } catch {
      root.dataset.bsTheme = wanted;
    }
  });
})();
