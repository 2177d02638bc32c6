// @ts-check
// Keys: most of them are those of links that say so (`data-key`), one or two keys one after the other. They can be switched off.

/** How long the second key is waited for. */
const PATIENCE = 1_000;
const OFF = "keys-off";

let before = "";
let timer = 0;

const isOff = () => {
  try {
    return localStorage.getItem(OFF) === "1";
  } catch {
    return false;
  }
};

/** @param {EventTarget | null} target */
const isWriting = (target) => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.nodeName));

/** The card of the picture that has the focus, else the first. */
const card = () => document.activeElement?.closest(".chart") ?? document.querySelector(".chart");

/** @param {number} by */
function step(by) {
  const all = [...document.querySelectorAll(".plot[data-kind=chart]")];
  const at = all.findIndex((plot) => plot.contains(document.activeElement));
  const next = all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)];
  if (!(next instanceof HTMLElement)) return;
  next.focus({ preventScroll: true });
  next.closest(".chart")?.scrollIntoView({ block: "nearest" });
}

/** @param {string} act */
const follow = (act) => /** @type {HTMLElement | null | undefined} */ (card()?.querySelector(`[data-act=${act}]`))?.click();

/**
 * @param {{refresh: () => void, copy: () => void, wall: () => void, paste: () => void}} act
 */
export function listen(act) {
  /** @type {Record<string, () => void>} */
  const own = {
    "d r": act.refresh, "t c": act.copy, "t v": act.paste, "d k": act.wall,
    j: () => step(1), k: () => step(-1),
    v: () => follow("large"), d: () => follow("table"),
    l: () => /** @type {HTMLElement | null | undefined} */ (card()?.querySelector(".legend a"))?.focus(),
    y: () => { const yaml = document.querySelector("details.yaml"); if (yaml instanceof HTMLDetailsElement) { yaml.open = true; yaml.scrollIntoView({ block: "center" }); } },
    "/": () => { const field = document.querySelector("main input[type=search], main input:not([type=hidden])"); if (field instanceof HTMLElement) field.focus(); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.metaKey || isOff()) return;
    if (event.ctrlKey) {
      if (event.key === "z" && !isWriting(event.target)) run("t z", event);
      return;
    }
    if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) menu.removeAttribute("open");
    if (isWriting(event.target)) return;
    clearTimeout(timer);
    const both = `${before} ${event.key}`;
    const found = run(both, event);
    // `d` alone waits for what may follow it.
    const begins = !found && /^[tgd]$/.test(event.key);
    before = begins ? event.key : "";
    if (found) return;
    if (begins) timer = window.setTimeout(() => { before = ""; if (event.key === "d") own.d(); }, PATIENCE);
    else run(event.key, event);
  });

  /** @param {string} keys @param {KeyboardEvent} event */
  function run(keys, event) {
    const link = [...document.querySelectorAll("[data-key]")].find((one) => one.getAttribute("data-key") === keys);
    const does = own[keys] ?? (link instanceof HTMLElement ? () => link.click() : null);
    if (!does) return false;
    event.preventDefault();
    does();
    return true;
  }

  const choice = document.querySelector("#keys-off");
  if (choice instanceof HTMLInputElement) {
    choice.checked = !isOff();
    choice.addEventListener("change", () => localStorage.setItem(OFF, choice.checked ? "0" : "1"));
  }
}
