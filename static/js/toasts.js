// Toasts leave after a while, but never while they are pointed at or hold the focus; errors stay until closed.
const STAY_MS = 7000;

function leaveLater(toast) {
  setTimeout(() => {
    if (toast.matches(":hover, :focus-within")) leaveLater(toast);
    else toast.remove();
  }, STAY_MS);
}

document.addEventListener("click", (event) => {
  event.target.closest("[data-toast-close]")?.closest("[data-toast]").remove();
});

for (const toast of document.querySelectorAll("[data-toast]:not(.toast-error)")) leaveLater(toast);
