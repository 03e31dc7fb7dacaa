// After a form came back with errors, the summary is focused; its links focus the fields. Sent forms are not sent twice.
const PROGRESS_MS = 400;

function focusSummary() {
  document.querySelector("[data-error-summary]")?.focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-error-summary] a");
  if (!link) return;
  const target = document.getElementById(link.hash.slice(1));
  const field = target?.matches("input, select, textarea") ? target : target?.querySelector("input, select, textarea");
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.scrollIntoView({ block: "center" });
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.matches("[data-form]")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  form.querySelector("[type=submit]")?.setAttribute("aria-disabled", "true");
  // Most answers are there before anybody would see it; an import of a document may take its time.
  setTimeout(() => {
    const progress = form.querySelector("[data-form-progress]");
    if (progress && form.dataset.sent) progress.hidden = false;
  }, PROGRESS_MS);
});

// Back from the next page, the form may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-form][data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("[data-form-progress]")?.setAttribute("hidden", "");
    form.querySelector("[type=submit]")?.removeAttribute("aria-disabled");
  }
});

focusSummary();
