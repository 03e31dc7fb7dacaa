// Expressions are checked while they are written, in the same words as when they are saved. Without this module, or when
// the server cannot be asked, they are checked when they are saved.
const PAUSE = 400; // milliseconds after the last key
const SHOWN = 12; // characters on either side of the place that is wrong

const place = document.querySelector("[data-expression-check]");
const token = place?.closest("form").elements.csrfmiddlewaretoken.value;
const timers = new WeakMap();
const questions = new WeakMap();

// Made before it has anything to say, so that a screen reader watches it already.
function noteOf(control) {
  const id = `${control.id}_live`;
  const known = document.getElementById(id);
  if (known) return known;
  const note = document.createElement("div");
  note.id = id;
  note.className = "form-error expression-note";
  note.setAttribute("aria-live", "polite");
  note.dataset.expressionNote = "";
  control.after(note);
  const described = control.getAttribute("aria-describedby");
  control.setAttribute("aria-describedby", described ? `${id} ${described}` : id);
  return note;
}

// The server counts characters as people do, not the halves that a text of this language is made of.
function quoteAt(text, position) {
  const signs = [...text];
  const quote = document.createElement("code");
  const mark = document.createElement("mark");
  mark.textContent = signs[position] ?? "\u00a0";
  quote.append(signs.slice(Math.max(0, position - SHOWN), position).join(""), mark);
  quote.append(signs.slice(position + 1, position + 1 + SHOWN).join(""));
  return quote;
}

function show(control, found) {
  const note = noteOf(control);
  const wrong = Boolean(found?.message);
  note.replaceChildren();
  control.toggleAttribute("data-expression-wrong", wrong);
  if (!wrong) {
    control.removeAttribute("aria-invalid");
    return;
  }
  control.setAttribute("aria-invalid", "true");
  const sentence = document.createElement("p");
  sentence.textContent = found.message;
  note.append(sentence);
  if (found.position !== null) note.append(quoteAt(control.value, found.position));
}

async function check(control) {
  questions.get(control)?.abort();
  if (!control.value.trim()) return show(control, null);
  const question = new AbortController();
  questions.set(control, question);
  // A row of a list is a number between points in the form, and one in brackets for the server.
  const setting = control.name.replace(/\.(\d+)(?=\.|$)/g, "[$1]");
  try {
    const answer = await fetch(place.dataset.expressionCheck, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify({ setting, expression: control.value }),
      signal: question.signal,
    });
    show(control, answer.ok ? await answer.json() : null);
  } catch (error) {
    if (error.name !== "AbortError") show(control, null);
  }
}

document.addEventListener("focusin", (event) => {
  if (place && event.target.matches("[data-expression]")) noteOf(event.target);
});

document.addEventListener("input", (event) => {
  const control = event.target;
  if (!place || !control.matches("[data-expression]")) return;
  clearTimeout(timers.get(control));
  timers.set(control, setTimeout(() => check(control), PAUSE));
});
