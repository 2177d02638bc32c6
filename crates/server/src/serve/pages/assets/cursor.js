// @ts-check
// What is drawn above the pictures: one cursor through all of them, the nearest points, a read-out, and time that is being chosen.

import { clock, height, nearest, numbers, readings, shownIn } from "./numbers.js";

/** @typedef {import("./numbers.js").Numbers} Numbers */
/** @typedef {import("./numbers.js").Reading} Reading */

/** Rows of a read-out; the rest is counted. */
const ROWS = 12;

/** @type {{time: number, plot: HTMLElement, y: number | null} | null} */
let cursor = null;
/** @type {{from: number, to: number} | null} */
let stretch = null;
/** The series that is looked at in a legend. @type {{plot: HTMLElement, name: string} | null} */
let marked = null;
let isDue = false;

/** Numbers that have arrived. @type {WeakMap<Element, Numbers>} */
const arrived = new WeakMap();

export const plots = () => /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".plot[data-kind=chart]")]);

/** How the picture of a plot is placed on the page. @param {HTMLElement} plot */
export function placed(plot) {
  const svg = plot.querySelector("svg");
  const { start, end, left, right, top, bottom } = Object.fromEntries(Object.entries(plot.dataset).map(([name, value]) => [name, Number(value)]));
  const box = (svg ?? plot).getBoundingClientRect();
  const scale = box.width / Number(svg?.viewBox.baseVal.width || box.width);
  return {
    box, scale, start, end, left, right, top, bottom,
    x: (/** @type {number} */ time) => (left + ((time - start) / (end - start)) * (right - left)) * scale,
    time: (/** @type {number} */ x) => start + ((x / scale - left) / (right - left)) * (end - start),
  };
}

/** Moves the cursor of all pictures. @param {HTMLElement | null} plot @param {number} time @param {number | null} y of the pointer, in pixels of the picture */
export function point(plot, time, y) {
  cursor = plot && { plot, time, y };
  if (plot && !arrived.has(plot)) ask(plot);
  draw();
}

/** @param {{from: number, to: number} | null} chosen */
export function choose(chosen) {
  stretch = chosen;
  draw();
}

/** @param {HTMLElement | null} plot @param {string} name */
export function mark(plot, name) {
  marked = plot && { plot, name };
  if (plot && !arrived.has(plot)) ask(plot);
  draw();
}

/** The pictures are others now: what was drawn above them goes, and their numbers are asked for when they are wanted. */
export function forget() {
  for (const plot of plots()) arrived.delete(plot);
  if (cursor && !cursor.plot.isConnected) cursor = null;
  if (cursor) ask(cursor.plot);
  draw();
}

/** @param {HTMLElement} plot */
export async function ask(plot) {
  const found = await numbers(plot);
  if (!found) return;
  arrived.set(plot, found);
  draw();
}

/** What is read under the cursor of a picture. @param {HTMLElement} plot */
export const numbersOf = (plot) => arrived.get(plot);

/** In the next frame, once. */
export function draw() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    // All places are read before anything is written.
    const seen = plots().map((plot) => ({ plot, at: placed(plot) })).filter(({ at }) => at.box.bottom > 0 && at.box.top < innerHeight);
    for (const { plot, at } of seen) paint(plot, at);
    readOut();
  });
}

/** @param {HTMLElement} plot @param {ReturnType<typeof placed>} at */
function paint(plot, at) {
  const time = cursor && snapped(plot, cursor.time);
  const hasCursor = time !== null && time >= at.start && time <= at.end;
  const hasMark = marked?.plot === plot;
  if (!hasCursor && !stretch && !hasMark) {
    plot.querySelector("canvas")?.remove();
    return;
  }
  const context = canvas(plot, at);
  if (!context) return;
  const { theme } = document.documentElement.dataset;
  const isDark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const ink = (/** @type {string} */ light, /** @type {string} */ dark) => (isDark ? dark : light);
  const [top, bottom] = [at.top * at.scale, at.bottom * at.scale];
  if (stretch) {
    const [from, to] = [at.x(Math.max(stretch.from, at.start)), at.x(Math.min(stretch.to, at.end))];
    context.fillStyle = ink("rgba(11,95,208,.14)", "rgba(125,184,255,.20)");
    context.fillRect(from, top, to - from, bottom - top);
  }
  const all = arrived.get(plot);
  if (hasMark && all && marked) highlight(context, all, at, marked.name, ink);
  if (!hasCursor) return;
  context.strokeStyle = ink("#8793A3", "#5F6E7F");
  context.lineWidth = 1;
  const x = Math.round(at.x(/** @type {number} */ (time))) + 0.5;
  context.beginPath();
  context.moveTo(x, top);
  context.lineTo(x, bottom);
  context.stroke();
  if (!all) return;
  const found = readings(all, /** @type {number} */ (time));
  const near = cursor?.plot === plot ? closest(found, cursor.y) : null;
  if (near && all.series.length > 1) highlight(context, all, at, near.series.name, ink);
  context.lineWidth = 2;
  for (const reading of found.length > 60 ? (near ? [near] : []) : found) {
    if (reading.y < at.top - 1 || reading.y > at.bottom + 1) continue;
    context.fillStyle = ink(...reading.series.color);
    context.strokeStyle = ink("#FFFFFF", "#161D26");
    context.beginPath();
    context.arc(at.x(reading.time), reading.y * at.scale, reading === near ? 4.5 : 3.5, 0, 7);
    context.fill();
    context.stroke();
  }
}

/** One line in full above the others. @param {CanvasRenderingContext2D} context @param {Numbers} all @param {ReturnType<typeof placed>} at
 * @param {string} name @param {(light: string, dark: string) => string} ink */
function highlight(context, all, at, name, ink) {
  const series = all.series.find((one) => one.name === name);
  if (!series || all.kind === "stacked") return;
  context.save();
  context.beginPath();
  context.rect(at.left * at.scale - 2, at.top * at.scale - 2, (at.right - at.left) * at.scale + 4, (at.bottom - at.top) * at.scale + 4);
  context.clip();
  context.strokeStyle = ink(...series.color);
  context.lineWidth = 2.5;
  context.lineJoin = "round";
  context.beginPath();
  let last = -Infinity;
  series.values.forEach((value, place) => {
    if (value === null) return;
    const time = all.times[place];
    const y = height(all, series.axis, value) * at.scale;
    if (time - last > 1.5 * (series.step ?? Infinity) || last === -Infinity) context.moveTo(at.x(time), y);
    else context.lineTo(at.x(time), y);
    last = time;
  });
  context.stroke();
  context.restore();
}

/** @param {HTMLElement} plot @param {ReturnType<typeof placed>} at */
function canvas(plot, at) {
  let found = plot.querySelector("canvas");
  if (!found) {
    found = document.createElement("canvas");
    found.dataset.own = "";
    found.setAttribute("aria-hidden", "true");
    plot.append(found);
  }
  const ratio = devicePixelRatio || 1;
  const [width, height] = [Math.round(at.box.width * ratio), Math.round(at.box.height * ratio)];
  if (found.width !== width || found.height !== height) [found.width, found.height] = [width, height];
  const context = found.getContext("2d");
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  context?.clearRect(0, 0, at.box.width, at.box.height);
  return context;
}

/** The time of the point nearest to one, where points are known. @param {HTMLElement} plot @param {number} time @returns {number} */
function snapped(plot, time) {
  const times = arrived.get(plot)?.times;
  return times?.length ? times[nearest(times, time)] : time;
}

/** @param {Reading[]} found @param {number | null} y @returns {Reading | null} */
function closest(found, y) {
  if (y === null || !found.length) return null;
  return found.reduce((best, one) => (Math.abs(one.y - y) < Math.abs(best.y - y) ? one : best));
}

/** The box beside the cursor: the time, and what each series has, the greatest first. */
function readOut() {
  let box = document.querySelector(".readout");
  const all = cursor && arrived.get(cursor.plot);
  const time = cursor && all && snapped(cursor.plot, cursor.time);
  const found = all && time !== null ? readings(all, /** @type {number} */ (time)) : [];
  if (!cursor || !all || !found.length || stretch) {
    box?.remove();
    return;
  }
  if (!box) {
    box = document.createElement("div");
    box.className = "readout";
    box.setAttribute("data-own", "");
    document.body.append(box);
  }
  const near = closest(found, cursor.y);
  const sorted = all.kind === "stacked" ? [...found].reverse() : [...found].sort((a, b) => b.value - a.value);
  const first = Math.max(0, Math.min(near ? sorted.indexOf(near) - ROWS + 2 : 0, sorted.length - ROWS));
  const rows = sorted.slice(first, first + ROWS).map((reading) => row(reading, reading === near));
  const more = sorted.length - rows.length;
  box.replaceChildren(line("time", clock(/** @type {number} */ (time), all)), ...rows, ...(more > 0 ? [line("muted", `and ${more} more`)] : []));
  // Left or right of the cursor, never under it.
  const at = placed(cursor.plot);
  const x = at.box.left + at.x(/** @type {number} */ (time));
  const { width, height } = box.getBoundingClientRect();
  const left = x + 14 + width < document.documentElement.clientWidth - 4 ? x + 14 : Math.max(4, x - 14 - width);
  const top = Math.min(Math.max(4, at.box.top + at.top * at.scale), Math.max(4, innerHeight - height - 4));
  /** @type {HTMLElement} */ (box).style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
}

/** @param {string} name @param {string} words */
function line(name, words) {
  const made = document.createElement("p");
  made.className = name;
  made.textContent = words;
  return made;
}

/** @param {Reading} reading @param {boolean} isNear */
function row(reading, isNear) {
  const made = document.createElement("p");
  made.className = isNear ? "row near" : "row";
  const swatch = document.createElement("i");
  swatch.style.background = `light-dark(${reading.series.color[0]}, ${reading.series.color[1]})`;
  const name = document.createElement("bdi");
  name.textContent = reading.series.name;
  const value = document.createElement("b");
  value.textContent = shownIn(reading.value, reading.series.unit);
  made.append(swatch, name, value);
  return made;
}
