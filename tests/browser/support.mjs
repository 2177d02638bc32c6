// What the tests of the pages share: a server over a file of its own, or three over a database (BROWSER_POSTGRES), with a shop in it, a browser,
// and what every page must hold.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(process.env.BROWSER_MODULES ? join(process.env.BROWSER_MODULES, "x.js") : import.meta.url);
const { chromium } = require("playwright-core");

const PROGRAM = process.env.LIBRATO_APPLY ?? "target/debug/librato-apply";
/** The directory in which a PostgreSQL listens. */
const POSTGRES = process.env.BROWSER_POSTGRES;
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const [USER, TOKEN] = ["ops@example.org", "a-token-of-the-tests"];
export const PEOPLE = { admin: [USER, TOKEN], operator: ["oncall", "oncall-secret"], viewer: ["guest", "guest-secret"], recorder: ["agent", "agent-secret"] };

export const until = async (what, holds, seconds = 30) => {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await holds();
    if (found) return found;
    assert.ok(Date.now() < end, `waited ${seconds} s for ${what}`);
    await new Promise((done) => setTimeout(done, 100));
  }
};

const freePort = () =>
  new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

/** The address of a new database. */
const database = () => {
  const name = `pages_${randomBytes(6).toString("hex")}`;
  execFileSync("createdb", ["--host", POSTGRES, "--username", "postgres", name]);
  return `postgres://postgres@${encodeURIComponent(POSTGRES)}/${name}`;
};

/** A server over a file of its own, or three over a database, of which the browser asks the first. It can be stopped and started again at the same
 * address. */
export class Server {
  static async start(more = []) {
    const server = new Server();
    server.dir = mkdtempSync(join(tmpdir(), "pages-"));
    writeFileSync(join(server.dir, "credentials"), `oncall oncall-secret operator\nguest guest-secret viewer\nagent agent-secret recorder\n`);
    server.more = [...more, ...(POSTGRES ? ["--store", database()] : ["--data", join(server.dir, "data.db")])];
    server.ports = [];
    for (let n = 0; n < (POSTGRES ? 3 : 1); n++) server.ports.push(await freePort());
    [server.base] = server.bases = server.ports.map((port) => `http://127.0.0.1:${port}`);
    await server.run();
    return server;
  }

  async run() {
    [this.process] = this.processes = this.ports.map((port) =>
      spawn(
        PROGRAM,
        ["serve", "--listen", `127.0.0.1:${port}`, "--user", USER, "--credentials", join(this.dir, "credentials"), "--no-notify", "--alert-settle", "1", "--color", "never", ...this.more],
        { env: { ...process.env, LIBRATO_TOKEN: TOKEN }, stdio: ["ignore", "ignore", "pipe"] },
      ),
    );
    const logs = this.processes.map(() => "");
    this.processes.forEach((one, n) => one.stderr.on("data", (text) => ([this.log] = ((logs[n] += text), logs))));
    this.log = "";
    this.ended = Promise.all(this.processes.map((one) => new Promise((done) => one.on("exit", done))));
    await until(`the server:\n${logs.join("\n")}`, () => logs.every((log) => log.includes("listening on")));
  }

  async stop() {
    this.processes.forEach((one) => one.kill("SIGTERM"));
    await this.ended;
  }

  async end() {
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async api(method, path, body, [user, token] = [USER, TOKEN]) {
    const authorization = `Basic ${Buffer.from(`${user}:${token}`).toString("base64")}`;
    const base = this.bases[Math.floor(Math.random() * this.bases.length)];
    const response = await fetch(base + path, { method, headers: { authorization, "content-type": "application/json" }, body: body && JSON.stringify(body) });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  post(path, body) {
    return this.api("POST", path, body);
  }

  /** Measurements: name, source, times and values. */
  async gauges(all) {
    for (let at = 0; at < all.length; at += 2_000) {
      await this.post("/v1/metrics", { gauges: all.slice(at, at + 2_000).map(([name, source, measure_time, value]) => ({ name, source, measure_time, value })) });
    }
  }
}

export const noise = (seed) => (((seed * 2654435761) >>> 0) % 1000) / 1000;

/** A shop: metrics of six hours, a space with a chart of every kind, an alert that fires, one that does not, events, a service, a silence. */
export async function shop(server, now = Math.floor(Date.now() / 60_000) * 60) {
  const minutes = [...Array(360).keys()].map((i) => now - 60 * (359 - i));
  const old = minutes.slice(0, -12);
  const latency = (source, i) => 300 + 60 * noise(i * 7 + source.charCodeAt(4)) + (i > 300 && source === "web-2" ? 700 : 0);
  const rows = [];
  minutes.forEach((time, i) => {
    for (const [n, area] of ["catalogue", "basket", "checkout", "account"].entries()) rows.push(["shop.requests", area, time, 200 / (n + 1) + 40 * noise(i + n * 77)]);
    rows.push(["shop.orders", "eu", time, 14 + 6 * Math.sin(i / 40) + 4 * noise(i)], ["jobs.waiting", "eu", time, 200 + 150 * Math.sin(i / 50) + 50 * noise(i + 5)]);
    rows.push(["shop.failed", "eu", time, i > 280 && i < 320 ? 3.4 : 0.3 + 0.3 * noise(i)]);
    for (const [p, of] of [["p50", 20], ["p95", 120], ["p99", 900]]) rows.push(["shop.answer", p, time, of * (0.7 + 0.6 * noise(i + of))]);
  });
  old.forEach((time, i) => ["web-1", "web-2", "web-3"].forEach((source) => {
    if (!(source === "web-3" && i > 140 && i < 164)) rows.push(["shop.checkout.ms", source, time, latency(source, i)]);
  }));
  await server.gauges(rows);
  await server.api("PUT", "/v1/metrics/shop.checkout.ms", { period: 60, attributes: { display_units_short: "ms", display_units_long: "milliseconds" } });
  const service = await server.post("/v1/services", { type: "slack", title: "on call", settings: { url: "https://hooks.slack.com/services/T0/B0/canary-of-settings" } });
  const condition = (threshold) => ({ type: "above", metric_name: "shop.checkout.ms", source: "web-*", threshold, duration: 300, summary_function: "max" });
  await server.post("/v1/alerts", { name: "shop.checkout.slow", description: "Customers wait for the checkout.", version: 2, conditions: [condition(800)], services: [service.id], attributes: { runbook_url: "https://wiki.example.org/checkout" } });
  await server.post("/v1/alerts", { name: "shop.calm", version: 2, conditions: [condition(90_000)], services: [] });
  for (let i = old.length; i < minutes.length; i++) await server.gauges(["web-1", "web-2", "web-3"].map((source) => ["shop.checkout.ms", source, minutes[i], source === "web-2" ? 1_100 + 200 * noise(i) : latency(source, i)]));
  for (const [n, ago] of [[1, 4.4], [2, 2.2], [3, 1.3]]) await server.post("/v1/annotations/shop.deploys", { title: `release ${n}`, start_time: Math.floor(now - ago * 3600) });
  const { id } = await server.post("/v1/spaces", { name: "Shop" });
  const one = (metric, more = {}) => ({ metric, source: "*", ...more });
  const number = (name, stream, more = {}) => ({ name, type: "bignumber", streams: [stream], ...more });
  const charts = [
    number("Orders a minute", one("shop.orders")),
    number("Failed requests", one("shop.failed", { units_short: "%" }), { use_last_value: true, thresholds: [{ operator: ">", value: 2, type: "red" }] }),
    number("Slowest checkout", one("shop.checkout.ms", { summary_function: "max", group_function: "max" }), { use_last_value: true, thresholds: [{ operator: ">", value: 800, type: "red" }] }),
    number("Jobs waiting", one("jobs.waiting", { units_short: "jobs" }), { use_last_value: true }),
    { name: "How fast is the checkout?", type: "line", streams: [one("shop.checkout.ms", { group_function: "breakout", summary_function: "max" })] },
    { name: "Requests by area", type: "stacked", streams: [one("shop.requests", { group_function: "breakout", units_short: "1/s" })] },
    { name: "Time to answer", type: "line", use_log_yaxis: true, streams: [one("shop.answer", { group_function: "breakout", units_short: "ms" })] },
    { name: "Jobs and orders", type: "line", streams: [one("jobs.waiting", { units_short: "jobs", units_long: "jobs" }), one("shop.orders", { units_long: "orders" })] },
  ];
  for (const chart of charts) await server.post(`/v1/spaces/${id}/charts`, chart);
  await server.post("/v1/silences", { alert: "shop.calm", why: "moving house", duration: 7200 });
  await until("the alert to fire", async () => (await server.api("GET", "/v1/incidents?status=open")).incidents.length > 0);
  return { now, id };
}

/** Pages that everybody on call has. */
export const PAGES = [
  "/ui/", "/ui/spaces/Shop", "/ui/spaces/id/1/5", "/ui/spaces/Shop?as=table&of=4", "/ui/explore", "/ui/explore?q=shop.checkout.ms", "/ui/explore?q=shop.nothing",
  "/ui/metrics", "/ui/metrics/shop.checkout.ms", "/ui/alerts", "/ui/alerts/shop.checkout.slow", "/ui/alerts/shop.calm", "/ui/events", "/ui/services", "/ui/services/1",
  "/ui/silences", "/ui/health", "/ui/changes", "/ui/help", "/ui/nothing",
];

export const browser = () => chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });

/** A window that remembers what its pages complained of. */
export async function open(browser, server, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: "UTC", baseURL: server.base, ...options });
  // Style sheet and scripts as they are in a directory, to try changes without building.
  if (process.env.ASSETS) await context.route("**/ui/assets/**", (route) => route.fulfill({ path: join(process.env.ASSETS, new URL(route.request().url()).pathname.split("/").pop()) }));
  const page = await context.newPage();
  page.complaints = [];
  page.on("console", (message) => page.complaints.push(message.text()));
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("dialog", (dialog) => { page.complaints.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  return page;
}

export async function logIn(page, [user, token] = PEOPLE.operator) {
  await page.goto("/ui/login");
  await page.fill("input[name=user]", user);
  await page.fill("input[name=token]", token);
  await Promise.all([page.waitForURL(/\/ui\/$/), page.click("button.primary")]);
}

/** A window of somebody who is logged in. */
export async function visit(browser, server, options, who) {
  const page = await open(browser, server, options);
  await logIn(page, who);
  return page;
}

/** Waits until the pictures are as wide as the window and nothing is on its way. */
export async function settled(page) {
  await page.waitForFunction(() => document.documentElement.hasAttribute("data-scripted") && !document.documentElement.hasAttribute("data-loading"));
}

/** What axe finds, in words. */
export async function axe(page) {
  await page.evaluate(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  return found.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
}

/** How far the page goes beyond the window. */
export const sideways = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
