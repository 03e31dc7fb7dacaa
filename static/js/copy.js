// Copy buttons: a [data-copy] button copies the [data-copy-source] beside it, and says so.
async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  // Plain http on another host has no clipboard API.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = button.parentElement.querySelector("[data-copy-source]");
  const text = source.textContent.trim();
  // An address within the console is copied as one that can be sent to somebody.
  await copy(source.matches("[data-copy-address]") ? new URL(text, location.href).href : text);
  const label = button.getAttribute("aria-label");
  button.classList.add("is-copied");
  button.setAttribute("aria-label", "Copied");
  setTimeout(() => {
    button.classList.remove("is-copied");
    button.setAttribute("aria-label", label);
  }, 1600);
});

// A secret that is shown once can be saved as NAME=value lines.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-secret-download]");
  if (!button) return;
  const lines = [...button.closest(".secret").querySelectorAll("[data-secret-name]")].map((row) => {
    const name = row.dataset.secretName.toUpperCase().replace(/[^A-Z0-9]+/g, "_");
    return `${name}=${row.querySelector("[data-copy-source]").textContent.trim()}\n`;
  });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(lines, { type: "text/plain" }));
  link.download = button.dataset.secretDownload;
  link.click();
  URL.revokeObjectURL(link.href);
});
