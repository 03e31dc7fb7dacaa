// Toasts leave after a while, but never while they are pointed at or hold the focus; errors stay until closed.
const STAY_MS = 7000;
// Time to find out that it was a mistake.
const UNDO_MS = 10_000;

function leaveLater(toast) {
  setTimeout(() => {
    if (toast.matches(":hover, :focus-within")) leaveLater(toast);
    else toast.remove();
  }, "toastUndo" in toast.dataset ? UNDO_MS : STAY_MS);
}

function arrived(toast) {
  if (toast.dataset.toastSeen) return;
  toast.dataset.toastSeen = "yes";
  if (!toast.classList.contains("toast-error")) leaveLater(toast);
}

document.addEventListener("click", (event) => {
  event.target.closest("[data-toast-close]")?.closest("[data-toast]").remove();
});

const place = document.getElementById("toasts");
const all = () => place.querySelectorAll("[data-toast]").forEach(arrived);
// Answers that replace a part of a page bring toasts too.
new MutationObserver(all).observe(place, { childList: true, subtree: true });
all();
