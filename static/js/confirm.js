// Forms with data-confirm ask first, in the page's one <dialog>; with data-confirm-word a word must be typed.
const dialog = document.getElementById("confirm");
const part = (name) => document.getElementById(`confirm-${name}`);
let waiting = null;

function matches() {
  const expected = waiting?.dataset.confirmWord;
  part("go").disabled = Boolean(expected) && part("word").value.trim() !== expected;
}

document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (!form.dataset?.confirm || form.dataset.confirmed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    waiting = form;
    part("title").textContent = form.dataset.confirm;
    part("text").textContent = form.dataset.confirmText || "";
    part("text").hidden = !form.dataset.confirmText;
    part("typed").hidden = !form.dataset.confirmWord;
    part("expected").textContent = form.dataset.confirmWord || "";
    part("word").value = "";
    part("go").textContent = form.dataset.confirmLabel || "Go on";
    matches();
    dialog.returnValue = "cancel";
    dialog.showModal();
  },
  true,
);

part("word").addEventListener("input", matches);

// Enter in the word's field must mean "go", and only when the word is right.
part("word").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  if (!part("go").disabled) dialog.close("go");
});

dialog.addEventListener("close", () => {
  if (dialog.returnValue === "go" && waiting) {
    waiting.dataset.confirmed = "yes";
    waiting.requestSubmit();
    delete waiting.dataset.confirmed;
  }
  waiting = null;
});
