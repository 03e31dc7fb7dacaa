// Request access: the name of a new application is only asked when a new one is chosen.
for (const form of document.querySelectorAll("[data-access]")) {
  const fresh = form.querySelector("[data-access-new]");
  const show = () => {
    fresh.hidden = form.elements.namedItem("application").value !== "new";
  };
  form.addEventListener("change", show);
  show();
}
