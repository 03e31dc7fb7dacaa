// Narrows the policies while one types. Without this module the form asks the server with ?q=.
const input = document.querySelector("[data-policy-search]");
const cards = [...document.querySelectorAll("[data-policy-words]")];

function narrow() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const card of cards) card.hidden = !words.every((word) => card.dataset.policyWords.includes(word));
  for (const group of document.querySelectorAll("[data-policy-group]")) {
    group.hidden = ![...group.querySelectorAll("[data-policy-words]")].some((card) => !card.hidden);
  }
  const shown = cards.filter((card) => !card.hidden).length;
  document.querySelector("[data-policy-none]").hidden = shown > 0;
  document.querySelector("[data-policy-count]").textContent = `${shown} ${shown === 1 ? "policy" : "policies"}`;
}

input.addEventListener("input", () => {
  // What the server left out for ?q= must come back when the words change.
  const asked = new URLSearchParams(location.search).get("q");
  if (!asked) narrow();
});
