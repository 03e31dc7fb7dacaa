// Rows of a list of settings are added and removed in place. Without this module the same buttons ask the server.
function nextNumber(rows) {
  const names = [...rows.querySelectorAll("[name]")].map((control) => control.name);
  const start = `${rows.dataset.rows}.`;
  const numbers = names.filter((name) => name.startsWith(start)).map((name) => parseInt(name.slice(start.length), 10));
  return Math.max(-1, ...numbers.filter(Number.isInteger)) + 1;
}

function renumbered(row, number) {
  for (const element of row.querySelectorAll("*")) {
    for (const name of ["name", "id", "for", "value", "aria-describedby"]) {
      const value = element.getAttribute(name);
      if (value?.includes("__row__")) element.setAttribute(name, value.replaceAll("__row__", number));
    }
  }
  return row;
}

document.addEventListener("click", (event) => {
  const add = event.target.closest("[data-row-add]");
  if (!add) return;
  const rows = add.closest("[data-rows]");
  const pattern = rows.querySelector("[data-row-pattern]");
  if (!pattern) return;
  event.preventDefault();
  const row = renumbered(pattern.content.cloneNode(true), nextNumber(rows));
  const first = row.querySelector("input, select, textarea");
  rows.querySelector("[data-row-list]").append(row);
  first?.focus();
});

document.addEventListener("click", (event) => {
  const remove = event.target.closest("[data-row-remove]");
  if (!remove) return;
  event.preventDefault();
  const rows = remove.closest("[data-rows]");
  remove.closest("[data-row]").remove();
  rows.querySelector("[data-row-add]").focus();
});
