// @ts-check
// Links and forms that stay on a page change it in place, and what is shown is kept up to date. A page is always what the server writes.

import { draw, forget, plots } from "./cursor.js";
import * as keys from "./keys.js";
import { morph, read } from "./morph.js";
import { said } from "./numbers.js";
import { isBusy, listen, prepare } from "./pointer.js";

/** Seconds after which pages without a time of their own are asked for again, and the longest pause after failures. */
const USUAL = 30;
const LONGEST = 60;

const root = document.documentElement;
const main = () => /** @type {HTMLElement} */ (document.querySelector("main"));

/** @type {AbortController | null} */
let loading = null;
let timer = 0;
let failures = 0;
let isOver = false;

/** When what is shown was answered. */
let fresh = Date.now();

/** The page at an address. @param {string} url */
async function ask(url) {
  loading?.abort();
  loading = new AbortController();
  const { signal } = loading;
  root.setAttribute("data-loading", "");
  const late = setTimeout(() => loading?.signal === signal && loading.abort(), 30_000);
  try {
    const response = await fetch(url, { credentials: "same-origin", signal, headers: { accept: "text/html" } });
    const isLogin = response.redirected && /\/ui\/login$/.test(new URL(response.url).pathname);
    if (isLogin) isOver = true;
    if (isLogin || !response.ok) throw new Error(isLogin ? "logged out" : `answered with ${response.status}`);
    return read(await response.text());
  } finally {
    clearTimeout(late);
    if (loading?.signal === signal) root.removeAttribute("data-loading");
  }
}

/** @param {Document} page */
function show(page) {
  document.title = page.title;
  for (const name of ["data-theme", "data-wall"]) {
    const value = page.documentElement.getAttribute(name);
    if (value === null) root.removeAttribute(name);
    else root.setAttribute(name, value);
  }
  for (const part of ["header.head", "main", "footer"]) {
    const [old, now] = [document.querySelector(part), page.querySelector(part)];
    if (old && now) morph(old, now);
  }
  fresh = Date.now();
  failures = 0;
  stale("");
  forget();
  prepare();
}

/** Goes to another address of this page. @param {string} url @param {boolean} isNew */
async function go(url, isNew) {
  for (const menu of document.querySelectorAll("details.menu[open]")) menu.removeAttribute("open");
  try {
    const page = await ask(url);
    if (isNew) history.pushState(null, "", url);
    for (const field of document.querySelectorAll("[data-changed]")) field.removeAttribute("data-changed");
    show(page);
  } catch (error) {
    if (/** @type {Error} */ (error).name !== "AbortError") location.assign(url);
  }
  plan();
}

/** Asks for the page again. What is shown stays where that fails. */
async function refresh() {
  if (document.hidden || isOver) return;
  if (isBusy()) return plan();
  const url = location.href;
  try {
    const page = await ask(url);
    if (location.href === url && !isBusy()) show(page);
  } catch (error) {
    if (/** @type {Error} */ (error).name === "AbortError" && loading?.signal.aborted === false) return;
    failures++;
    if (isOver) stale("You are logged out.", true);
    else if (failures > 1) stale(`Stale since ${said(fresh / 1_000, false, true)}: the server does not answer.`);
  }
  plan();
}

/** After how many seconds; nothing where what is shown does not change. */
function pause() {
  const picker = /** @type {HTMLElement | null} */ (document.querySelector(".picker"));
  const chosen = main()?.dataset.refresh ?? "off";
  const isLive = !picker || picker.dataset.auto !== undefined;
  if (!isLive || chosen === "off" || new URLSearchParams(location.search).has("as")) return null;
  const usual = picker ? Number(picker.dataset.auto) : USUAL;
  const seconds = Number(chosen) >= 5 ? Number(chosen) : usual;
  return failures ? Math.min(LONGEST, seconds, 5 * 2 ** failures) : seconds;
}

/** Sets the clock for the next refresh. */
function plan() {
  clearTimeout(timer);
  const seconds = pause();
  if (seconds !== null && !document.hidden && !isOver) timer = window.setTimeout(refresh, seconds * 1_000);
}

/** Says that what is shown is old. @param {string} words @param {boolean} isLogin */
function stale(words, isLogin = false) {
  let mark = document.querySelector("#stale");
  if (!words) return mark?.remove();
  if (!mark) {
    mark = own("p", "stale");
    mark.setAttribute("role", "status");
  }
  mark.textContent = `${words} `;
  if (!isLogin) return;
  const link = document.createElement("a");
  link.href = location.href;
  link.textContent = "Log in again";
  mark.append(link);
}

/** An element of ours at the end of the page. @param {string} tag @param {string} id */
function own(tag, id) {
  const made = document.createElement(tag);
  made.id = id;
  made.setAttribute("data-own", "");
  document.body.append(made);
  return made;
}

/** Says something for a moment. @param {string} words */
function say(words) {
  const said = document.querySelector("#said");
  if (said) said.textContent = words;
  let note = document.querySelector("#note");
  if (!note) note = own("p", "note");
  note.textContent = words;
  setTimeout(() => note?.textContent === words && note.remove(), 2_500);
}

/** A stretch of time of this page. @param {number} from @param {number} to */
function span(from, to) {
  const url = new URL(location.href);
  url.searchParams.set("from", String(from));
  url.searchParams.set("to", String(to));
  go(url.href, true);
}

/** Copies an address: what is seen is what is shared. */
async function copy() {
  const exact = document.querySelector("a.exact");
  const href = exact instanceof HTMLAnchorElement ? exact.href : location.href;
  try {
    await navigator.clipboard.writeText(href);
    say("The link is copied.");
  } catch {
    say(href);
  }
}

/** Takes over a range that was copied: our link, or Grafana's JSON. */
async function paste() {
  try {
    const text = await navigator.clipboard.readText();
    const { from, to } = text.startsWith("{") ? JSON.parse(text) : Object.fromEntries(new URL(text).searchParams);
    const url = new URL(location.href);
    const seconds = (/** @type {any} */ time) => (/^\d{12,}$/.test(time) ? `${Math.floor(time / 1_000)}` : /T.*[Z+-]/.test(time) ? `${Math.floor(Date.parse(time) / 1_000)}` : `${time}`);
    if (from === undefined) throw new Error("no range");
    url.searchParams.set("from", seconds(from));
    url.searchParams.set("to", seconds(to ?? "now"));
    go(url.href, true);
  } catch {
    say("What was copied holds no range of time.");
  }
}

/** @param {MouseEvent} event */
function clicked(event) {
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button !== 0 || event.shiftKey || event.altKey) return;
  const row = link.closest("tr[data-series]");
  if ((event.ctrlKey || event.metaKey) && !row) return;
  const url = new URL(link.href);
  const form = url.searchParams.get("as");
  if (link.hasAttribute("download") || url.origin !== location.origin || url.pathname !== location.pathname || url.hash || (form && form !== "table")) return;
  event.preventDefault();
  if (link.matches("a.exact") && event.detail > 0) return void copy();
  if (row && !event.ctrlKey && !event.metaKey) return void go(alone(row), true);
  if (link.href !== location.href) go(link.href, true);
}

/** The address of this series alone; of all where it is that already. @param {Element} row */
function alone(row) {
  const rows = [...(row.closest("table")?.querySelectorAll("tr[data-series]") ?? [])];
  const name = (/** @type {Element} */ one) => one.getAttribute("data-series") ?? "";
  const isAlone = rows.every((one) => one === row || one.classList.contains("off")) && !row.classList.contains("off");
  const url = new URL(location.href);
  const kept = url.searchParams.getAll("hide").filter((hidden) => !rows.some((one) => name(one) === hidden));
  url.searchParams.delete("hide");
  for (const hidden of [...kept, ...(isAlone ? [] : rows.filter((one) => one !== row).map(name))]) url.searchParams.append("hide", hidden);
  return url.href;
}

/** @param {SubmitEvent} event */
function submitted(event) {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.method !== "get") return;
  const url = new URL(form.action);
  if (url.pathname !== location.pathname) return;
  event.preventDefault();
  url.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== "").map(([name, value]) => [name, String(value)])).toString();
  go(url.href, true);
}

/** Tells the server something with every page. Whether it knew. @param {string} name @param {string} value */
function tell(name, value) {
  const path = new URL(/** @type {HTMLLinkElement} */ (document.querySelector("link[rel=stylesheet]")).href).pathname.replace(/\/assets\/.*/, "");
  const isKnown = document.cookie.split("; ").includes(`${name}=${value}`);
  document.cookie = `${name}=${value}; path=${path}; max-age=31536000; samesite=strict${location.protocol === "https:" ? "; secure" : ""}`;
  return isKnown;
}

/** Tells how wide pictures have to be, and the zone of times; whether those shown are so. */
function measure() {
  tell("vw", String(root.clientWidth));
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const isZoned = tell("tz", zone) || zone === main()?.dataset.zone || /[?&]tz=/.test(location.search);
  const fits = plots().every((plot) => {
    const svg = plot.querySelector("svg");
    const drawn = svg?.viewBox.baseVal.width ?? 0;
    return !drawn || Math.abs(drawn - plot.clientWidth) <= Math.max(4, drawn * 0.02) || plot.clientWidth < 160;
  });
  return fits && isZoned;
}

function start() {
  root.setAttribute("data-scripted", "");
  const live = own("p", "said");
  live.className = "hidden";
  live.setAttribute("role", "status");
  // What was done is said once.
  const url = new URL(location.href);
  if (url.searchParams.has("said")) {
    url.searchParams.delete("said");
    history.replaceState(null, "", url.href);
  }
  document.addEventListener("click", clicked);
  document.addEventListener("submit", submitted);
  document.addEventListener("input", (event) => event.target instanceof HTMLElement && event.target.setAttribute("data-changed", ""));
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!(event.target instanceof Node && menu.contains(event.target))) menu.removeAttribute("open");
    }
  });
  document.addEventListener("la-show", (event) => {
    const { from, to } = /** @type {CustomEvent} */ (event).detail;
    span(from, to);
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : refresh()));
  addEventListener("popstate", () => go(location.href, false));
  addEventListener("scroll", draw, { passive: true });
  let settled = 0;
  addEventListener("resize", () => {
    draw();
    clearTimeout(settled);
    settled = window.setTimeout(() => { if (!measure()) go(location.href, false); }, 300);
  });
  addEventListener("online", refresh);
  listen(span);
  keys.listen({
    refresh, copy, paste,
    wall: () => {
      const url = new URL(location.href);
      if (url.searchParams.has("wall")) url.searchParams.delete("wall");
      else url.searchParams.set("wall", "1");
      go(url.href, true);
    },
  });
  prepare();
  if (!measure()) go(location.href, false);
  else plan();
}

if (main() && !main().classList.contains("outside")) start();
