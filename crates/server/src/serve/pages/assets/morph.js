// @ts-check
// From the page that is shown to the page as it is now, with as few changes as there are differences: what somebody opened, wrote or points
// at stays. Text of the server comes in here and nowhere else, and what could run in it is refused.

/** The one way of the server's text into the page: parsed where nothing runs, and looked through before it is taken over. */
const policy = /** @type {any} */ (window).trustedTypes?.createPolicy("picture", { createHTML: (/** @type {string} */ text) => text });

const FORBIDDEN = "script:not([type=module][src]), foreignObject, iframe, object, embed, base, style, animate, set";

/**
 * The page that a text is; throws where something in it could run.
 * @param {string} text
 * @returns {Document}
 */
export function read(text) {
  const page = new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
  for (const one of page.body.querySelectorAll("*")) {
    const runs = [...one.attributes].some((a) => a.name.startsWith("on") || /^\s*(javascript|data):/i.test(a.value) && /href|src|action/.test(a.name));
    if (runs || one.matches(FORBIDDEN)) throw new Error(`the page holds ${one.localName}`);
  }
  return page;
}

/** What scripts of ours added, and the server knows nothing of. @param {Node} node */
const isOurs = (node) => node instanceof Element && node.hasAttribute("data-own");

/** Attributes that whoever looks has changed, or that scripts keep; those of pictures make them reachable. */
const KEPT = new Set(["open", "data-own", "data-changed", "data-cursor"]);
const OF_PLOTS = new Set(["tabindex", "role", "aria-label"]);

/**
 * Makes one node what another is.
 * @param {Node} old
 * @param {Node} now
 */
export function morph(old, now) {
  if (old.isEqualNode(now)) return;
  const isSame = old.nodeType === now.nodeType && old.nodeName === now.nodeName;
  if (!isSame || old.nodeName === "svg") {
    old.parentNode?.replaceChild(document.importNode(now, true), old);
    return;
  }
  if (!(old instanceof Element) || !(now instanceof Element)) {
    if (old.nodeValue !== now.nodeValue) old.nodeValue = now.nodeValue;
    return;
  }
  attributes(old, now);
  if (old instanceof HTMLInputElement || old instanceof HTMLSelectElement) {
    // What is being written is not taken away.
    if (old instanceof HTMLInputElement && old !== document.activeElement && !old.dataset.changed) old.value = /** @type {HTMLInputElement} */ (now).value;
    if (old instanceof HTMLInputElement) return;
    if (old.dataset.changed) return;
  }
  children(old, now);
}

/** @param {Element} old @param {Element} now */
function attributes(old, now) {
  for (const { name } of [...old.attributes]) {
    if (!now.hasAttribute(name) && !KEPT.has(name) && !(OF_PLOTS.has(name) && old.matches(".plot"))) old.removeAttribute(name);
  }
  for (const { name, value } of now.attributes) {
    if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

/** @param {Element} old @param {Element} now */
function children(old, now) {
  const there = [...old.childNodes].filter((node) => !isOurs(node));
  const wanted = [...now.childNodes];
  wanted.forEach((node, at) => {
    const before = there[at];
    if (before) morph(before, node);
    else old.insertBefore(document.importNode(node, true), [...old.childNodes].find(isOurs) ?? null);
  });
  there.slice(wanted.length).forEach((node) => node.parentNode?.removeChild(node));
}
