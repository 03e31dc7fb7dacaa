// Rows of a list of settings are added and removed in place. Without this module the same buttons ask the server.
function nextNumber(rows) {
  const names = [...rows.querySelectorAll("[name]")].map((control) => control.name);
  const start = `${rows.dataset.rows}.`;
  const numbers = names.filter((name) => name.startsWith(start)).map((name) => parseInt(name.slice(start.length), 10));
  return Math.max(-1, ...numbers.filter(Number.isInteger)) + 1;
}

const NUMBERED = ["name", "id", "for", "value", "aria-describedby", "data-rows", "data-only-with"];

// The patterns of lists inside a row lie in templates of their own, which a search does not enter.
function renumbered(row, placeholder, number) {
  for (const element of row.querySelectorAll("*")) {
    for (const name of NUMBERED) {
      const value = element.getAttribute(name);
      if (value?.includes(placeholder)) element.setAttribute(name, value.replaceAll(placeholder, number));
    }
    if (element instanceof HTMLTemplateElement) renumbered(element.content, placeholder, number);
  }
  return row;
}

// What says nothing beside the present choice is hidden, and sent as it is.
function showWhatCounts() {
  for (const part of document.querySelectorAll("[data-only-with]")) {
    const [name, value] = part.dataset.onlyWith.split("=");
    const controls = [...document.getElementsByName(name)];
    const checked = controls.find((control) => control.type === "radio" && control.checked);
    const told = checked ?? controls.find((control) => control.type !== "radio");
    const now = told?.type === "checkbox" ? String(told.checked) : told?.value;
    part.hidden = now !== value && !part.querySelector(".has-error");
  }
}

document.addEventListener("change", showWhatCounts);
showWhatCounts();

document.addEventListener("click", (event) => {
  const add = event.target.closest("[data-row-add]");
  if (!add) return;
  const rows = add.closest("[data-rows]");
  const pattern = rows.querySelector(":scope > [data-row-pattern]");
  if (!pattern) return;
  event.preventDefault();
  const row = renumbered(pattern.content.cloneNode(true), pattern.dataset.rowPattern, nextNumber(rows));
  const first = row.querySelector("input, select, textarea");
  rows.querySelector(":scope > [data-row-list]").append(row);
  showWhatCounts();
  first?.focus();
});

document.addEventListener("click", (event) => {
  const remove = event.target.closest("[data-row-remove]");
  if (!remove) return;
  event.preventDefault();
  const rows = remove.closest("[data-rows]");
  remove.closest("[data-row]").remove();
  rows.querySelector(":scope > [data-row-add]").focus();
});
