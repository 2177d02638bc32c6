// What the pages cost in a browser, beside a public charting library (uPlot) that draws the same data in the same run: `just bench browser`.
// Prints a table of goal, limit and what was measured, and judges nothing; figures of a busy machine are noise. The goal is what pages are
// built to hold, the limit three times that. `ROUNDS=3` makes it shorter.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
process.env.LIBRATO_APPLY ??= join(root, "target/release/librato-apply");
const home = join(root, "target/bench-browser");
if (!existsSync(join(home, "node_modules/uplot"))) {
  mkdirSync(home, { recursive: true });
  for (const file of ["package.json", "package-lock.json"]) cpSync(join(here, file), join(home, file));
  execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: home, stdio: "inherit" });
}
process.env.BROWSER_MODULES = home;
const { Server, browser, noise, settled, visit } = await import("../../tests/browser/support.mjs");
const require = createRequire(join(home, "x.js"));

const ROUNDS = Number(process.env.ROUNDS ?? 7);
const MOVES = 120;
const rows = [];

const median = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];
const share = (all, part) => [...all].sort((a, b) => a - b)[Math.min(all.length - 1, Math.floor(all.length * part))];
const row = (what, goal, unit, ours, theirs) => rows.push([what, goal === null ? "" : `${goal} ${unit}`, goal === null ? "" : `${goal * 3} ${unit}`, ours === null ? "" : `${ours} ${unit}`, theirs === undefined ? "" : `${theirs} ${unit}`]);

const now = Math.floor(Date.now() / 60_000) * 60;
const times = [...Array(360).keys()].map((i) => now - 60 * (360 - i));
const value = (n, i) => 100 + 10 * n + 40 * noise(i * 31 + n * 7);

async function filled() {
  const server = await Server.start();
  // A metric of four series for each chart, and one of a thousand.
  for (let n = 0; n < 24; n++) {
    await server.gauges([0, 1, 2, 3].flatMap((s) => times.map((time, i) => [`bench.m${n}`, `web-${s}`, time, value(n + s, i)])));
  }
  for (let s = 0; s < 1_000; s += 25) {
    await server.gauges([...Array(25).keys()].flatMap((k) => times.map((time, i) => ["bench.many", `host-${s + k}`, time, value((s + k) % 90, i)])));
  }
  const space = async (name, charts) => {
    const { id } = await server.post("/v1/spaces", { name });
    for (const [n, metric] of charts.entries()) await server.post(`/v1/spaces/${id}/charts`, { name: `chart ${n}`, type: "line", streams: [{ metric, source: "*", group_function: "breakout" }] });
  };
  const of = (count) => [...Array(count).keys()].map((n) => `bench.m${n}`);
  await space("eight", of(8));
  await space("many charts", of(24));
  await space("many series", ["bench.many"]);
  return server;
}

/** The same data drawn by uPlot, on pages of their own. */
function theirs() {
  const script = readFileSync(require.resolve("uplot/dist/uPlot.iife.min.js"), "utf8");
  const style = readFileSync(require.resolve("uplot/dist/uPlot.min.css"), "utf8");
  const colors = ["#1954CA", "#CC8239", "#409D9D", "#A70F7F"];
  const page = (charts, series, width) => {
    const data = [...Array(charts).keys()].map((n) => [times, ...[...Array(series).keys()].map((s) => times.map((_, i) => value(charts > 1 ? n + s : s % 90, i)))]);
    return `<!DOCTYPE html><meta charset="utf-8"><title>uPlot</title><style>${style} body { margin: 16px } #all { display: grid; grid-template-columns: 1fr 1fr; gap: 16px }</style><div id="all"></div>
      <script>${script}</script><script>const data = ${JSON.stringify(data)}; for (const one of data) { const at = document.createElement("div"); document.querySelector("#all").append(at);
      new uPlot({ width: ${width}, height: 230, series: [{}, ...one.slice(1).map((_, s) => ({ label: "web-" + s, stroke: ${JSON.stringify(colors)}[s % 4], width: 1.75, points: { show: false } }))], legend: { show: ${series <= 8} }, focus: { alpha: 0.3 }, cursor: { focus: { prox: 30 } } }, one, at); }</script>`;
  };
  const pages = { "/eight": page(8, 4, 666), "/many-charts": page(24, 4, 666), "/many-series": page(1, 1_000, 1_378) };
  const server = createServer((request, response) => {
    const text = pages[request.url];
    response.writeHead(text ? 200 : 404, { "content-type": "text/html" }).end(text);
  }).listen(0, "127.0.0.1");
  return new Promise((done) => server.once("listening", () => done({ base: `http://127.0.0.1:${server.address().port}`, end: () => { server.close(); server.closeAllConnections(); } })));
}

/** Milliseconds from asking for a page to its pixels, and to its first paint. */
async function load(page, url) {
  const [paints, pixels] = [[], []];
  for (let round = 0; round < ROUNDS + 1; round++) {
    await page.goto("about:blank");
    const start = performance.now();
    await page.goto(url, { waitUntil: "load" });
    await page.screenshot();
    const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN);
    if (round > 0) {
      pixels.push(performance.now() - start);
      paints.push(paint);
    }
  }
  return { paint: Math.round(median(paints)), pixels: Math.round(median(pixels)) };
}

/** Milliseconds of a frame while the pointer moves over a picture. */
async function move(page, plot) {
  const box = await page.locator(plot).first().boundingBox();
  const at = (n) => [box.x + 80 + ((box.width - 160) * n) / MOVES, box.y + 60 + 60 * noise(n)];
  await page.mouse.move(...at(0));
  await page.waitForTimeout(1_500);
  await page.evaluate(() => {
    globalThis.frames_ = [];
    let before = performance.now();
    const step = (time) => { globalThis.frames_.push(time - before); before = time; globalThis.going = requestAnimationFrame(step); };
    globalThis.going = requestAnimationFrame(step);
  });
  for (let n = 0; n < MOVES; n++) await page.mouse.move(...at(n));
  const frames = await page.evaluate(() => { cancelAnimationFrame(globalThis.going); return globalThis.frames_.slice(2); });
  return { middle: Math.round(share(frames, 0.5) * 10) / 10, late: Math.round(share(frames, 0.95) * 10) / 10 };
}

async function heap(page) {
  const client = await page.context().newCDPSession(page);
  await client.send("Performance.enable");
  await client.send("HeapProfiler.collectGarbage");
  const { metrics } = await client.send("Performance.getMetrics");
  return Math.round(metrics.find(({ name }) => name === "JSHeapUsedSize").value / 1e5) / 10;
}

const assets = join(root, "crates/server/src/serve/pages/assets");
const packed = (ending) => {
  const files = execFileSync("ls", [assets], { encoding: "utf8" }).trim().split("\n").filter((name) => name.endsWith(ending));
  return Math.round(files.map((name) => gzipSync(readFileSync(join(assets, name)), { level: 9 }).length).reduce((a, b) => a + b, 0) / 100) / 10;
};
const library = gzipSync(readFileSync(require.resolve("uplot/dist/uPlot.iife.min.js")), { level: 9 }).length;

const server = await filled();
const other = await theirs();
const chromium = await browser();
const page = await visit(chromium, server);
const plain = await (await chromium.newContext({ viewport: { width: 1440, height: 900 } })).newPage();

row("style sheet, gz", 6, "kB", packed(".css"));
row("scripts, gz", 16, "kB", packed(".js"), Math.round(library / 100) / 10);
const url = (name) => `${server.base}/ui/spaces/${encodeURIComponent(name)}?from=${now - 21_600}&to=${now}&refresh=off`;
await page.goto(url("eight"));
await settled(page);
const html = await (await page.request.get(url("eight"))).text();
row("space of 8 charts, 4 series of 360 points each, gz", 60, "kB", Math.round(gzipSync(html).length / 100) / 10, Math.round(gzipSync(await (await plain.request.get(`${other.base}/eight`)).text()).length / 100) / 10);
for (const [name, path, what, goal] of [["eight", "/eight", "8 charts", 200], ["many charts", "/many-charts", "24 charts of 4 series", null], ["many series", "/many-series", "1 chart of 1,000 series", null]]) {
  const [ours, uplot] = [await load(page, url(name)), await load(plain, other.base + path)];
  row(`${what}: first paint`, goal, "ms", ours.paint, uplot.paint);
  row(`${what}: from asking to pixels`, 500, "ms", ours.pixels, uplot.pixels);
  const [frames, their] = [await move(page, ".plot > svg"), await move(plain, ".u-over")];
  row(`${what}: a frame while moving, p50`, null, "ms", frames.middle, their.middle);
  row(`${what}: a frame while moving, p95`, 25, "ms", frames.late, their.late);
  row(`${what}: heap`, null, "MB", await heap(page), await heap(plain));
}
const timed = async (path) => {
  const all = [];
  for (let n = 0; n < ROUNDS; n++) {
    const start = performance.now();
    await (await page.request.get(path)).body();
    all.push(performance.now() - start);
  }
  return Math.round(median(all) * 10) / 10;
};
row("page of 24 charts from the server", null, "ms", await timed(url("many charts")));
row("page of 1,000 series from the server", null, "ms", await timed(url("many series")));
row("picture as PNG, 1600 pixels wide, from the server", 100, "ms", await timed(`${url("eight")}&as=png&of=0`));

await chromium.close();
other.end();
await server.end();

const heads = ["what", "goal", "limit", "measured", "uPlot"];
const widths = heads.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at].length)));
for (const line of [heads, ...rows]) console.log(line.map((cell, at) => (at ? cell.padStart(widths[at]) : cell.padEnd(widths[at]))).join("  ").trimEnd());
