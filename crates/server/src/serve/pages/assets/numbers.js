// @ts-check
// The numbers of a picture, asked for when it is first pointed at, and what is read out of them.

/**
 * @typedef {{name: string, axis: number, unit: string, color: [string, string], step: number | null, values: (number | null)[],
 *   min?: (number | null)[], max?: (number | null)[]}} Series
 * @typedef {{kind: string, window: {start: number, end: number}, picture: {width: number, height: number},
 *   plot: {left: number, top: number, right: number, bottom: number}, axes: {low: number, high: number, log: boolean, unit: string}[],
 *   times: number[], series: Series[]}} Numbers
 * @typedef {{series: Series, time: number, value: number, y: number}} Reading
 */

/** One question for each picture that is shown, until it is another one. @type {WeakMap<Element, {url: string, numbers: Promise<Numbers | null>}>} */
const asked = new WeakMap();

/** The address of a picture's numbers. @param {Element} plot */
function address(plot) {
  const link = plot.closest(".chart")?.querySelector("a[data-act=numbers]");
  if (link instanceof HTMLAnchorElement) return link.href;
  const url = new URL(location.href);
  const { of, start, end } = /** @type {HTMLElement} */ (plot).dataset;
  for (const [name, value] of Object.entries({ as: "json", of, from: start, to: end })) url.searchParams.set(name, value ?? "");
  url.hash = "";
  return url.href;
}

/** @param {Element} plot @returns {Promise<Numbers | null>} */
export function numbers(plot) {
  const url = address(plot);
  const known = asked.get(plot);
  if (known?.url === url) return known.numbers;
  const answer = fetch(url, { credentials: "same-origin" }).then((response) => (response.ok ? response.json() : null)).catch(() => null);
  asked.set(plot, { url, numbers: answer });
  // What failed is asked for again.
  answer.then((found) => { if (!found) asked.delete(plot); });
  return answer;
}

/** Where a value stands on its axis, in pixels of the picture. @param {Numbers} all @param {number} axis @param {number} value */
export function height(all, axis, value) {
  const { low, high, log } = all.axes[axis] ?? { low: 0, high: 1, log: false };
  const share = log ? (Math.log10(Math.max(value, 1e-307)) - Math.log10(low)) / (Math.log10(high) - Math.log10(low)) : (value - low) / (high - low);
  return all.plot.bottom - share * (all.plot.bottom - all.plot.top);
}

/** The place of the time nearest to one, by halves. @param {number[]} times @param {number} time */
export function nearest(times, time) {
  let [low, high] = [0, times.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle;
    else high = middle;
  }
  return Math.abs(times[high] - time) < Math.abs(times[low] - time) ? high : low;
}

/**
 * What each series has at a time: its own point nearest to it, if that stands for the time.
 * @param {Numbers} all
 * @param {number} time
 * @returns {Reading[]}
 */
export function readings(all, time) {
  if (!all.times.length) return [];
  const at = nearest(all.times, time);
  const found = [];
  const sums = new Map();
  for (const series of all.series) {
    const place = own(all.times, series, at);
    if (place === null) continue;
    const value = /** @type {number} */ (series.values[place]);
    let top = value;
    if (all.kind === "stacked") {
      const key = `${series.axis} ${value < 0}`;
      top = (sums.get(key) ?? 0) + value;
      sums.set(key, top);
    }
    found.push({ series, time: all.times[place], value, y: height(all, series.axis, top) });
  }
  return found;
}

/** @param {number[]} times @param {Series} series @param {number} at */
function own(times, series, at) {
  const has = (/** @type {number} */ place) => series.values[place] !== null && series.values[place] !== undefined;
  if (has(at)) return at;
  const reach = (series.step ?? 0) / 2;
  for (let away = 1; ; away++) {
    const [before, after] = [at - away, at + away];
    const [isNear, isNearAfter] = [before, after].map((place) => times[place] !== undefined && Math.abs(times[place] - times[at]) <= reach);
    if (isNear && has(before)) return before;
    if (isNearAfter && has(after)) return after;
    if (!isNear && !isNearAfter) return null;
  }
}

/** A number with six digits, in groups of three, as sentences of the server have it. @param {number} value */
export function shown(value) {
  if (value === 0) return "0";
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  if (magnitude < -5 || magnitude >= 15) return minus(value.toExponential(5).replace(/\.?0+e/, "e").replace("e+", "e"));
  const [whole, part] = value.toFixed(Math.max(0, 5 - magnitude)).split(".");
  const digits = part?.replace(/0+$/, "") ?? "";
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return minus(grouped + (digits ? `.${digits}` : ""));
}

/** @param {string} text */
const minus = (text) => text.replace(/-/g, "\u2212");

/** With its unit; bytes in powers of 1,024. @param {number} value @param {string} unit */
export function shownIn(value, unit) {
  if (!unit) return shown(value);
  if (unit !== "B" && !/^(bytes|octets)$/i.test(unit)) return `${shown(value)} ${unit}`;
  const powers = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let power = 0;
  for (; Math.abs(value) >= 1024 && power < powers.length - 1; power++) value /= 1024;
  return `${shown(value)} ${powers[power]}`;
}

/** The time of a point; with its day where the window is longer than one. @param {number} time @param {Numbers} all */
export const clock = (time, all) => said(time, all.window.end - all.window.start >= 86_400);

/** A time in the zone of the page. @param {number} time @param {boolean} hasDay @param {unknown} hasSeconds */
export function said(time, hasDay, hasSeconds = time % 60) {
  const two = "2-digit";
  return new Date(time * 1_000).toLocaleString("en-GB", {
    timeZone: document.querySelector("main")?.dataset.zone, timeZoneName: "short", hourCycle: "h23", hour: two, minute: two,
    second: hasSeconds ? two : undefined, ...(hasDay && { day: "numeric", month: "short" }),
  });
}
