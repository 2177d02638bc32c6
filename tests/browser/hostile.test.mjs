// Names that somebody chose to break pages with, in every kind of object: no script runs, and the text is there to be read.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server, browser, settled, visit } from "./support.mjs";

const NAMES = [
  `<img src=x onerror=alert(1)>`,
  `"><svg onload=alert(2)>`,
  `</script><script>alert(3)</script>`,
  `\u202egnp.evil`,
  `{{7*7}} \${7*7} 'x' &lt;b&gt;`,
];

let server, chromium;
before(async () => {
  server = await Server.start();
  chromium = await browser();
});
after(async () => {
  await chromium?.close();
  await server?.end();
});

test("hostile names are text, on pages with scripts and in what is taken from them", async () => {
  const now = Math.floor(Date.now() / 1000) - 120;
  await server.post("/v1/metrics", { gauges: [{ name: "plain", source: "a", measure_time: now, value: 1 }] });
  const ids = [];
  for (const [n, name] of NAMES.entries()) {
    // Names of metrics and tags are narrow; what belongs to them is not.
    await server.post("/v1/measurements", { measurements: [{ name: `m.${n}`, time: now, value: 5, tags: { host: `h${n}` } }] });
    await server.api("PUT", `/v1/metrics/m.${n}`, { display_name: name, description: name, attributes: { display_units_long: name, display_units_short: name } });
    const service = await server.post("/v1/services", { type: "webhook", title: name, settings: { url: "https://example.org/canary-of-settings" } });
    await server.post("/v1/alerts", { name: `alert.${n}`, description: name, version: 2, services: [service.id], attributes: { runbook_url: "javascript:alert(4)" },
      conditions: [{ type: "above", metric_name: `m.${n}`, source: "*", threshold: 1 }] });
    await server.post(`/v1/annotations/deploys.${n}`, { title: name, description: name, start_time: now, links: [{ rel: "x", href: "javascript:alert(5)", label: name }] });
    const { id } = await server.post("/v1/spaces", { name });
    ids.push(id);
    await server.post(`/v1/spaces/${id}/charts`, { name, type: "line", label: name, streams: [{ metric: `m.${n}`, source: "*", name, units_short: name, units_long: name }] });
    await server.post("/v1/silences", { alert: name, why: name, duration: 3600 });
  }
  const page = await visit(chromium, server);
  const paths = ["/ui/", "/ui/metrics", "/ui/alerts", "/ui/events?from=-1h", "/ui/services", "/ui/silences", ...ids.map((id) => `/ui/spaces/id/${id}`), ...ids.map((id, n) => `/ui/spaces/id/${id}/${n + 1}`),
    ...NAMES.flatMap((name, n) => [`/ui/metrics/m.${n}`, `/ui/alerts/alert.${n}`, `/ui/services/${n + 1}`, `/ui/explore?q=m.${n}`, `/ui/explore?q=${encodeURIComponent(name)}`, `/ui/spaces/${encodeURIComponent(name)}`,
      `/ui/spaces/id/${ids[n]}?hide=${encodeURIComponent(name)}`, `/ui/metrics?name=${encodeURIComponent(name)}`, `/ui/alerts?from=${encodeURIComponent(name)}`])];
  for (const path of paths) {
    await page.goto(path);
    await settled(page);
    assert.deepEqual(page.complaints.splice(0).filter((words) => !/status of 4/.test(words)), [], path);
    const { elements, links, text } = await page.evaluate(() => ({
      elements: document.querySelectorAll("img, script:not([type=module][src]), iframe, svg[onload], [onerror], b:not(.readout b)").length,
      links: [...document.querySelectorAll("a[href]")].filter((link) => !/^https?:$|^mailto:$/.test(link.protocol)).length,
      text: document.body.textContent,
    }));
    assert.deepEqual([elements, links], [0, 0], path);
    assert.ok(!text.includes("\u202e") && !text.includes("canary"), path);
  }
  await page.goto(`/ui/spaces/id/${ids[0]}`);
  await settled(page);
  assert.equal(await page.textContent("h1"), NAMES[0]);
  await page.locator(".plot").first().hover();
  await page.waitForSelector(".readout");
  assert.match(await page.textContent(".readout"), /<img src=x onerror=alert\(1\)>/);
  await page.keyboard.press("d");
  await page.keyboard.press("r");
  await settled(page);
  assert.deepEqual(page.complaints.splice(0), [], "a refresh");
  for (const form of ["csv", "svg", "json", "png"]) {
    const response = await page.request.get(`/ui/spaces/id/${ids[0]}?as=${form}&of=0`);
    assert.equal(response.status(), 200, form);
    const text = await response.text();
    assert.ok(form !== "svg" || !/<img|<script/.test(text), form);
    assert.ok(form !== "csv" || text.startsWith("\"time\"") || text.startsWith("time"), text);
    assert.ok(!/text\/html/.test(response.headers()["content-type"]), form);
  }
});
