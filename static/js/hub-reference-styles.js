// Lets the reference live with our strict Content-Security-Policy. It makes <style> elements and style attributes from
// script; the policy wants this page's nonce on the former and the style object instead of the latter. Both are only
// open to script that already runs here, so nothing that a specification contains gets more rights.
const nonce = document.querySelector("meta[property=csp-nonce]").content;

const createElement = Document.prototype.createElement;
Document.prototype.createElement = function (name, options) {
  const element = createElement.call(this, name, options);
  if (element instanceof HTMLStyleElement) element.nonce = nonce;
  return element;
};

const setAttribute = Element.prototype.setAttribute;
Element.prototype.setAttribute = function (name, value) {
  if (String(name).toLowerCase() === "style" && this.style) this.style.cssText = value;
  else setAttribute.call(this, name, value);
};

// Code blocks arrive as HTML with the number of their lines in a style attribute; it becomes a property instead.
const innerHtml = Object.getOwnPropertyDescriptor(Element.prototype, "innerHTML");
const LINES = /<code class="hljs([^"]*)" style="--line-count: (\d+); --line-digits: (\d+);">/;
Object.defineProperty(Element.prototype, "innerHTML", {
  ...innerHtml,
  set(html) {
    const found = LINES.exec(html);
    // The value may be a TrustedHTML object.
    innerHtml.set.call(this, found ? String(html).replace(LINES, '<code class="hljs$1">') : html);
    const code = found && this.querySelector("code");
    code?.style.setProperty("--line-count", found[2]);
    code?.style.setProperty("--line-digits", found[3]);
  },
});
