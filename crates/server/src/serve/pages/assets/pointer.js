// @ts-check
// Pointing at pictures: the cursor, and time that is dragged, moved or pinched. One finger scrolls; held still it moves the cursor.

import { ask, choose, mark, numbersOf, placed, plots, point } from "./cursor.js";
import { clock, nearest, readings, shownIn } from "./numbers.js";

/** Pixels that a drag has at least, and milliseconds after which a finger that rests is one that points. */
const LEAST = 6;
const REST = 300;

/** @type {{plot: HTMLElement, from: number, x: number, isPan: boolean, id: number} | null} */
let drag = null;
/** @type {{plot: HTMLElement, isPointing: boolean, timer: number} | null} */
let touch = null;
/** Fingers on a picture. @type {Map<number, number>} */
const fingers = new Map();
/** @type {{plot: HTMLElement, times: number[]} | null} */
let pinch = null;

/** Whether the page must stay as it is for now. */
export const isBusy = () => drag !== null || pinch !== null;

/** @param {Event} event @returns {HTMLElement | null} */
const plotOf = (event) => (event.target instanceof Element ? event.target.closest(".plot[data-kind=chart]") : null);

/**
 * @param {(from: number, to: number) => void} show
 */
export function listen(show) {
  document.addEventListener("pointermove", (event) => {
    if (pinch) return pinched(event);
    if (drag) return dragged(event);
    const plot = plotOf(event);
    if (event.pointerType === "touch" && !touch?.isPointing) return;
    if (!plot) {
      if (event.pointerType !== "touch" && !document.activeElement?.matches(".plot")) point(null, 0, null);
      return;
    }
    follow(plot, event);
  });
  document.addEventListener("pointerleave", () => point(null, 0, null));
  document.addEventListener("pointerdown", (event) => {
    const plot = plotOf(event);
    if (!plot) {
      if (event.pointerType === "touch") point(null, 0, null);
      return;
    }
    if (event.pointerType === "touch") return touched(plot, event);
    if (event.button !== 0) return;
    const at = placed(plot);
    const x = event.clientX - at.box.left;
    if (x < at.left * at.scale || x > at.right * at.scale) return;
    drag = { plot, from: at.time(x), x: event.clientX, isPan: event.shiftKey, id: event.pointerId };
    plot.setPointerCapture(event.pointerId);
    event.preventDefault();
    plot.focus({ preventScroll: true });
  });
  document.addEventListener("pointerup", (event) => {
    lift(event);
    if (!drag || event.pointerId !== drag.id) return;
    const { plot, from, x, isPan } = drag;
    drag = null;
    choose(null);
    if (Math.abs(event.clientX - x) < LEAST) return;
    const at = placed(plot);
    const to = at.time(event.clientX - at.box.left);
    if (isPan) show(Math.round(at.start + from - to), Math.round(at.end + from - to));
    else zoom(at, from, to, show);
  });
  for (const name of ["pointercancel", "lostpointercapture"]) {
    document.addEventListener(name, (event) => {
      lift(/** @type {PointerEvent} */ (event));
      if (drag && /** @type {PointerEvent} */ (event).pointerId === drag.id) {
        drag = null;
        choose(null);
      }
    });
  }
  document.addEventListener("dblclick", (event) => {
    const plot = plotOf(event);
    if (!plot) return;
    const { start, end } = placed(plot);
    const half = Math.round((end - start) / 2);
    show(start - half, end + half);
  });
  document.addEventListener("touchmove", (event) => {
    if ((touch?.isPointing || pinch) && event.cancelable) event.preventDefault();
  }, { passive: false });
  document.addEventListener("contextmenu", (event) => {
    if (touch?.isPointing) event.preventDefault();
  });
  document.addEventListener("keydown", (event) => keyed(event, show));
  document.addEventListener("focusin", (event) => {
    const plot = plotOf(event);
    if (plot) ask(plot);
  });
  document.addEventListener("focusout", (event) => {
    if (plotOf(event) && !drag) point(null, 0, null);
  });
  document.addEventListener("pointerover", (event) => {
    const row = event.target instanceof Element ? event.target.closest("tr[data-series]") : null;
    const plot = row?.closest("figure")?.querySelector(".plot");
    mark(plot instanceof HTMLElement ? plot : null, row?.getAttribute("data-series") ?? "");
  });
}

/** @param {HTMLElement} plot @param {PointerEvent} event */
function follow(plot, event) {
  const at = placed(plot);
  const time = Math.min(Math.max(at.time(event.clientX - at.box.left), at.start), at.end);
  point(plot, time, (event.clientY - at.box.top) / at.scale);
}

/** @param {PointerEvent} event */
function dragged(event) {
  if (!drag || event.pointerId !== drag.id) return;
  const at = placed(drag.plot);
  const to = Math.min(Math.max(at.time(event.clientX - at.box.left), at.start), at.end);
  if (Math.abs(event.clientX - drag.x) < LEAST) return choose(null);
  choose({ from: Math.min(drag.from, to), to: Math.max(drag.from, to) });
}

/** @param {ReturnType<typeof placed>} at @param {number} from @param {number} to @param {(from: number, to: number) => void} show */
function zoom(at, from, to, show) {
  const inside = (/** @type {number} */ time) => Math.min(Math.max(time, at.start), at.end);
  const [first, last] = [inside(Math.min(from, to)), inside(Math.max(from, to))].map(Math.round);
  // Shorter than this nobody can mean.
  show(first, Math.max(last, first + 10));
}

/** @param {HTMLElement} plot @param {PointerEvent} event */
function touched(plot, event) {
  fingers.set(event.pointerId, event.clientX);
  if (fingers.size === 2) {
    if (touch) clearTimeout(touch.timer);
    touch = null;
    point(null, 0, null);
    const at = placed(plot);
    pinch = { plot, times: [...fingers.values()].map((x) => at.time(x - at.box.left)) };
    return;
  }
  const timer = window.setTimeout(() => {
    if (touch) touch.isPointing = true;
    follow(plot, event);
  }, REST);
  touch = { plot, isPointing: false, timer };
}

/** The times under both fingers stay under them. @param {PointerEvent} event */
function pinched(event) {
  if (!pinch || !fingers.has(event.pointerId)) return;
  fingers.set(event.pointerId, event.clientX);
  choose(spread());
}

function spread() {
  if (!pinch || fingers.size < 2) return null;
  const at = placed(pinch.plot);
  const [a, b] = [...fingers.values()].map((x) => (x - at.box.left) / at.scale);
  const [p, q] = pinch.times;
  if (Math.abs(a - b) < 8) return null;
  const seconds = Math.abs((q - p) / (b - a));
  const left = Math.min(p, q) - (Math.min(a, b) - at.left) * seconds;
  return { from: Math.round(left), to: Math.round(left + (at.right - at.left) * seconds) };
}

/** A finger goes. @param {PointerEvent} event */
function lift(event) {
  if (event.pointerType !== "touch") return;
  if (pinch && fingers.has(event.pointerId) && event.type === "pointerup") {
    const found = spread();
    if (found) pinch.plot.dispatchEvent(new CustomEvent("la-show", { bubbles: true, detail: found }));
  }
  if (fingers.delete(event.pointerId) && fingers.size < 2) {
    pinch = null;
    choose(null);
  }
  if (touch) clearTimeout(touch.timer);
  touch = null;
}

/** Keys of a picture that has the focus. @param {KeyboardEvent} event @param {(from: number, to: number) => void} show */
function keyed(event, show) {
  const plot = plotOf(event);
  if (!plot || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = numbersOf(plot);
  const at = placed(plot);
  const inside = all?.times.filter((time) => time >= at.start && time <= at.end) ?? [];
  if (event.key === "Escape") return point(null, 0, null);
  const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }[event.key];
  if (steps === undefined || !all || !inside.length) return;
  event.preventDefault();
  event.stopPropagation();
  const now = Number(plot.dataset.cursor ?? at.end);
  const place = nearest(inside, now) + (plot.dataset.cursor === undefined && steps === -1 ? 0 : steps);
  const time = inside[Math.min(Math.max(place, 0), inside.length - 1)];
  plot.dataset.cursor = String(time);
  point(plot, time, null);
  say(plot, all, time);
}

let said = 0;
let saying = 0;

/** For those who hear the page: at most once a second. @param {HTMLElement} plot @param {import("./numbers.js").Numbers} all @param {number} time */
function say(plot, all, time) {
  clearTimeout(saying);
  saying = window.setTimeout(() => {
    said = Date.now();
    const words = readings(all, time).slice(0, 8).map((one) => `${one.series.name} ${shownIn(one.value, one.series.unit)}`);
    const live = document.querySelector("#said");
    if (live) live.textContent = `${clock(time, all)}: ${words.join(", ")}`;
  }, Math.max(0, said + 1_000 - Date.now()));
}

/** Makes pictures reachable by keys. */
export function prepare() {
  for (const plot of plots()) {
    if (plot.tabIndex === 0) continue;
    plot.tabIndex = 0;
    plot.setAttribute("role", "group");
    plot.setAttribute("aria-label", "Picture: the arrow keys move through its values");
  }
}
