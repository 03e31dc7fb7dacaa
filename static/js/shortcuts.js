// Single keys: / searches the list, j and k walk its rows, e edits, g and a letter goes, ? tells all of this.
// They can be switched off (somebody who speaks to the machine says many letters), and never act inside a field.
const dialog = document.getElementById("shortcuts");
const SWITCH = "portico-shortcuts";
const GO_MS = 1500;
let going = 0;

function on() {
  try {
    return localStorage.getItem(SWITCH) !== "off";
  } catch {
    return true;
  }
}

function writing(element) {
  return element.closest?.("input, select, textarea, [contenteditable], [role=combobox], [role=listbox]") != null;
}

function rows() {
  return [...document.querySelectorAll(".list-table tbody tr[data-row]")];
}

function walk(step) {
  const all = rows();
  if (!all.length) return false;
  const here = all.indexOf(document.activeElement.closest?.("tr[data-row]"));
  const next = here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(here + step, 0), all.length - 1);
  const row = all[next];
  const link = row.querySelector("a.row-link") ?? row.querySelector("a, button");
  if (link) link.focus();
  else {
    row.tabIndex = -1;
    row.focus();
  }
  row.scrollIntoView({ block: "nearest" });
  return true;
}

function follow(selector) {
  const link = document.querySelector(selector);
  link?.click();
  return Boolean(link);
}

function act(key) {
  if (Date.now() - going < GO_MS) {
    going = 0;
    return follow(`[data-go="${CSS.escape(key)}"]`);
  }
  if (key === "g") {
    going = Date.now();
    return true;
  }
  if (key === "/") {
    const field = document.querySelector("[data-list-filter]");
    field?.focus();
    field?.select();
    return Boolean(field);
  }
  if (key === "?" && dialog) {
    dialog.showModal();
    return true;
  }
  if (key === "j") return walk(1);
  if (key === "k") return walk(-1);
  return key === "e" && follow("main [data-edit]");
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (writing(event.target) || document.querySelector("dialog[open]") || !on()) return;
  if (act(event.key)) event.preventDefault();
});

if (dialog) {
  const box = dialog.querySelector("[data-shortcuts-on]");
  box.checked = on();
  box.addEventListener("change", () => {
    try {
      localStorage.setItem(SWITCH, box.checked ? "on" : "off");
    } catch {
      box.checked = true;
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-shortcuts-open]")) dialog.showModal();
    else if (event.target.closest("[data-shortcuts-close]") || event.target === dialog) dialog.close();
  });
}
