// Rows are dragged to their place by the grip. The buttons beside each do the same for the keyboard.
let drag = null;

const movable = (list) => [...list.children].filter((row) => !("pinned" in row.dataset));

document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest("[data-grip]");
  if (!grip || event.button !== 0) return;
  event.preventDefault();
  const row = grip.closest("li");
  const list = row.parentElement;
  drag = { row, list, before: [...list.children] };
  row.classList.add("is-dragged");
  grip.setPointerCapture(event.pointerId);
});

document.addEventListener("pointermove", (event) => {
  if (!drag) return;
  for (const other of movable(drag.list)) {
    if (other === drag.row) continue;
    const box = other.getBoundingClientRect();
    if (event.clientY < box.top || event.clientY > box.bottom) continue;
    const below = event.clientY > box.top + box.height / 2;
    if (below) other.after(drag.row);
    else other.before(drag.row);
    return;
  }
});

function end(keep) {
  if (!drag) return;
  const { row, list, before } = drag;
  drag = null;
  row.classList.remove("is-dragged");
  if (!keep) {
    list.append(...before);
    return;
  }
  const position = [...list.children].indexOf(row);
  if (position === before.indexOf(row)) return;
  const form = row.querySelector("[data-place]");
  form.elements.position.value = position;
  form.requestSubmit();
}

document.addEventListener("pointerup", () => end(true));
document.addEventListener("pointercancel", () => end(false));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") end(false);
});

// A button that would change nothing keeps the focus and sends nothing.
document.addEventListener(
  "submit",
  (event) => {
    if (event.submitter?.getAttribute("aria-disabled") !== "true" || !event.target.closest("[data-sortable]")) return;
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);

// The list is replaced as a whole, so what happened is said by a part of the page that stays.
document.addEventListener("htmx:after:swap", () => {
  const said = document.querySelector("[data-said]")?.dataset.said ?? "";
  const place = document.querySelector("[data-order-said]");
  if (place.textContent !== said) place.textContent = said;
});
