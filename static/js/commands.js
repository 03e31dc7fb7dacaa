// The command for a button is shown in a dialog; the focus goes back to where it was asked for.
const dialog = document.getElementById("command-dialog");
const place = document.getElementById("command-place");

// Other presses (a new tab, a window) follow the link.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-command]");
  if (link) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    place.textContent = "One moment …";
    dialog.showModal();
  } else if (event.target.closest("[data-command-close]") || event.target === dialog) dialog.close();
});
