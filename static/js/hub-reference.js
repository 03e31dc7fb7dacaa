// The interactive reference. Calls it tries are sent to our own address as POST with the CSRF token and say in a header
// which method they mean, so that no other site and no link can make the portal send them (see hub/views/try_it.py).
const place = document.getElementById("hub-reference");
const proxy = new URL(place.dataset.proxy, location.href);
const browserFetch = window.fetch.bind(window);

window.fetch = async (input, init) => {
  const request = new Request(input, init);
  const url = new URL(request.url);
  if (url.origin !== proxy.origin || url.pathname !== proxy.pathname) return browserFetch(input, init);
  const headers = new Headers(request.headers);
  headers.set("X-CSRFToken", place.dataset.token);
  headers.set("X-Try-It-Method", request.method);
  const body = await request.blob();
  const answer = await browserFetch(url, {
    method: "POST", headers, body: body.size ? body : null, signal: request.signal,
  });
  return asTheGatewaySaidIt(answer);
};

// The answer with the gateway's own headers, without those that the portal needs to carry it.
function asTheGatewaySaidIt(answer) {
  const told = answer.headers.get("X-Try-It-Headers");
  if (!told) return answer;
  const headers = new Headers();
  for (const [name, value] of JSON.parse(told)) headers.append(name.replace(/^X-Try-It-/, ""), value);
  const bodiless = [204, 205, 304].includes(answer.status);
  const { status, statusText, url } = answer;
  const made = new Response(bodiless ? null : answer.body, { status, statusText, headers });
  // A response made by hand has no address, and the reference cannot show one without.
  return Object.defineProperty(made, "url", { value: url });
}

const dark = () => document.documentElement.dataset.bsTheme === "dark";

const configuration = () => ({
  url: place.dataset.document,
  proxyUrl: proxy.pathname,
  theme: "none",
  layout: "modern",
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  hideDarkModeToggle: true,
  showDeveloperTools: "never",
  forceDarkModeState: dark() ? "dark" : "light",
  agent: { disabled: true, hideAddApi: true },
  mcp: { disabled: true },
  persistAuth: false,
  documentDownloadType: "none",
  defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
});

place.replaceChildren();
const reference = window.Scalar.createApiReference(place, configuration());
document.addEventListener("portico:theme", () => reference.updateConfiguration(configuration()));

// What the reference leaves out for those who do not see it: its copy buttons have a name only while they are hovered,
// and a page has one main part.
const complete = () => {
  for (const main of place.querySelectorAll("main:not([role])")) main.setAttribute("role", "group");
  for (const button of document.querySelectorAll(".scalar-code-copy:not([aria-label])")) {
    button.setAttribute("aria-label", "Copy");
  }
};
let waiting = false;
new MutationObserver(() => {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    complete();
  });
}).observe(document.body, { childList: true, subtree: true });
