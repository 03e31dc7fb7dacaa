// Ctrl-K: a combobox over everything the console has. The server finds; what was opened last on this browser comes first.
const dialog = document.getElementById("palette");
const RECENT_SHOWN = 6;
const RECENT_KEPT = 20;
const WAIT_MS = 90;
const mac = /Mac|iPhone|iPad/.test(navigator.platform);

// What this person opened last, as [title, address], newest first. A browser without storage just has none.
const storage = {
  key: `portico-recent-${dialog?.dataset.paletteOwner}`,
  read() {
    try {
      return JSON.parse(localStorage.getItem(this.key)) ?? [];
    } catch {
      return [];
    }
  },
  add(title, address) {
    const kept = this.read().filter(([, other]) => other !== address);
    try {
      localStorage.setItem(this.key, JSON.stringify([[title, address], ...kept].slice(0, RECENT_KEPT)));
    } catch {
      // Full or forbidden: the palette works without.
    }
  },
};

function start() {
  const input = document.getElementById("palette-input");
  const options = document.getElementById("palette-options");
  const state = dialog.querySelector("[data-palette-state]");
  let timer = 0;
  let asked = 0;
  let chosen = -1;

  const lines = () => [...options.querySelectorAll("[role=option]")];

  function choose(index) {
    const all = lines();
    all[chosen]?.setAttribute("aria-selected", "false");
    chosen = all.length ? (index + all.length) % all.length : -1;
    const line = all[chosen];
    if (!line) return input.removeAttribute("aria-activedescendant");
    line.setAttribute("aria-selected", "true");
    input.setAttribute("aria-activedescendant", line.id);
    line.scrollIntoView({ block: "nearest" });
  }

  function recent(query) {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const found = storage.read().filter(([title]) => words.every((word) => title.toLowerCase().includes(word)));
    if (!found.length) return null;
    const group = document.createElement("div");
    group.setAttribute("role", "group");
    group.setAttribute("aria-labelledby", "palette-recent");
    const heading = document.createElement("div");
    heading.className = "palette-heading";
    heading.id = "palette-recent";
    heading.setAttribute("role", "presentation");
    heading.textContent = "Recent";
    group.append(heading);
    for (const [title, address] of found.slice(0, RECENT_SHOWN)) {
      const line = document.createElement("a");
      line.setAttribute("role", "option");
      line.setAttribute("aria-selected", "false");
      line.tabIndex = -1;
      line.href = address;
      const text = document.createElement("span");
      text.dataset.paletteTitle = "";
      text.textContent = title;
      line.append(text);
      group.append(line);
    }
    return group;
  }

  function show(html, query) {
    options.innerHTML = html;
    const group = recent(query);
    if (group) options.prepend(group);
    lines().forEach((line, index) => {
      line.id = `palette-option-${index}`;
    });
    chosen = -1;
    choose(0);
    const count = lines().length;
    state.textContent = count ? `${count} result${count === 1 ? "" : "s"}` : "Nothing matches. Try fewer letters.";
    state.classList.toggle("visually-hidden", count > 0);
  }

  async function ask() {
    const query = input.value.trim();
    const number = ++asked;
    const address = `${dialog.dataset.palette}?q=${encodeURIComponent(query)}`;
    try {
      const answer = await fetch(address, { headers: { "X-Palette": "1" } });
      // An answer that was overtaken by a later one, or a sign-in page, is not shown.
      if (number !== asked) return;
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      show(await answer.text(), query);
    } catch {
      if (number !== asked) return;
      show("", query);
      state.textContent = "The search does not answer. Reload the page and try again.";
      state.classList.remove("visually-hidden");
    }
  }

  function open() {
    if (dialog.open) return;
    for (const other of document.querySelectorAll("dialog[open]")) other.close();
    input.value = "";
    dialog.showModal();
    input.focus();
    ask();
  }

  function follow(line) {
    storage.add(line.querySelector("[data-palette-title]").textContent, line.getAttribute("href"));
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  });

  input.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 5, PageUp: -5 };
    if (event.key in steps) choose(chosen + steps[event.key]);
    else if (event.key === "Enter") {
      const line = lines()[chosen];
      if (line) {
        follow(line);
        if (event.ctrlKey || event.metaKey) window.open(line.href);
        else location.assign(line.href);
      }
    } else return;
    event.preventDefault();
  });

  options.addEventListener("click", (event) => {
    const line = event.target.closest("[role=option]");
    if (line) follow(line);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || event.altKey || event.shiftKey || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (dialog.open) dialog.close();
    else open();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette-open]") && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      open();
    } else if (event.target.closest("[data-palette-close]") || event.target === dialog) dialog.close();
  });
}

if (dialog) {
  if (mac) for (const key of document.querySelectorAll("[data-palette-key]")) key.textContent = "⌘";
  start();
  // A page about one thing is what people come back to.
  const heading = document.querySelector("main[data-object-title]");
  if (heading) storage.add(heading.dataset.objectTitle, location.pathname);
}

// What somebody opened is nobody else's business on the same browser.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-sign-out]")) return;
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith("portico-recent-")) localStorage.removeItem(key);
  } catch {
    // No storage, nothing to forget.
  }
});
