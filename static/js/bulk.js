// Choosing rows of a list: the head chooses all of the page, shift chooses a range, and the button says how many.
let last = null;

const boxes = () => [...document.querySelectorAll("[data-bulk-row]")];

function told() {
  const form = document.querySelector("[data-bulk]");
  if (!form) return;
  const everything = form.querySelector("[data-bulk-everything]").checked;
  const all = boxes();
  const count = all.filter((box) => box.checked).length;
  for (const box of all) box.disabled = everything;
  const head = document.querySelector("[data-bulk-page]");
  if (head) {
    head.hidden = false;
    head.disabled = everything;
    head.checked = count > 0 && count === all.length;
    head.indeterminate = count > 0 && count < all.length;
  }
  form.querySelector("[data-bulk-count]").textContent = everything ? "with all" : count ? `with ${count}` : "";
}

document.addEventListener("click", (event) => {
  const box = event.target.closest?.("[data-bulk-row]");
  if (!box) return;
  const all = boxes();
  if (event.shiftKey && last && all.includes(last)) {
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((one, other) => one - other);
    for (const each of all.slice(from, to + 1)) each.checked = box.checked;
  }
  last = box;
  told();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-bulk-page]")) {
    for (const box of boxes()) box.checked = event.target.checked;
  }
  if (event.target.matches("[data-bulk-page], [data-bulk-everything], [data-bulk-row]")) told();
});

document.addEventListener("htmx:afterSettle", told);
told();
