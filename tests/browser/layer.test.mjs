// What scripts add to pictures: one cursor for all, numbers equal to the data, zoom and the way back, legends, keys.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { Server, browser, settled, shop, visit } from "./support.mjs";

let server, chromium;
before(async () => {
  server = await Server.start();
  await shop(server);
  chromium = await browser();
});
after(async () => {
  await chromium?.close();
  await server?.end();
});

/** A space at one time, and the plot of a chart on it. */
async function space(options) {
  const page = await visit(chromium, server, options);
  const now = Math.floor(Date.now() / 1000);
  await page.goto(`/ui/spaces/Shop?from=${now - 18_000}&to=${now - 600}`);
  await settled(page);
  const chart = (name) => page.locator(".chart", { hasText: name }).locator(".plot");
  return { page, chart };
}

/** The middle of a plot, a share of its width from the left, on the screen. */
const at = (plot, share) =>
  plot.evaluate((plot, share) => {
    const box = plot.querySelector("svg").getBoundingClientRect();
    const { left, right, top, bottom } = plot.dataset;
    return { x: box.left + Number(left) + share * (right - left), y: box.top + (Number(top) + Number(bottom)) / 2 };
  }, share);

const numbersOf = async (page, chart) => {
  const href = await page.locator(".chart", { hasText: chart }).locator("a[data-act=numbers]").getAttribute("href");
  return (await page.request.get(href)).json();
};

test("one cursor runs through all pictures, and what is read is what was measured", async () => {
  const { page, chart } = await space();
  const plot = chart("How fast is the checkout?");
  await plot.scrollIntoViewIfNeeded();
  const { x, y } = await at(plot, 0.25);
  await page.mouse.move(x, y);
  await page.waitForSelector(".readout");
  const visible = await page.$$eval(".plot[data-kind=chart]", (all) => all.filter((plot) => plot.getBoundingClientRect().top < innerHeight && plot.getBoundingClientRect().bottom > 0).map((plot) => plot.querySelectorAll("canvas").length));
  assert.ok(visible.length >= 2 && visible.every((count) => count === 1), `${visible}`);
  const all = await numbersOf(page, "How fast is the checkout?");
  const clock = (await page.textContent(".readout .time")).replace(" UTC", "");
  const place = all.times.findIndex((time) => new Date(time * 1000).toISOString().slice(11, 16) === clock);
  assert.ok(place >= 0, clock);
  const rows = await page.$$eval(".readout .row", (rows) => Object.fromEntries(rows.map((row) => [row.querySelector("bdi").textContent, row.querySelector("b").textContent])));
  for (const series of all.series.filter((series) => series.values[place] !== null)) {
    const shown = rows[series.name].replace(/[\u202f ms]/g, "").replace("\u2212", "-");
    assert.equal(Number(shown), Number(series.values[place].toPrecision(6)), series.name);
  }
  // The same as the API says of that minute.
  const api = await server.api("GET", `/v1/metrics/shop.checkout.ms?start_time=${all.times[place]}&end_time=${all.times[place] + 59}&resolution=60&source=web-1`);
  assert.equal(api.measurements["web-1"][0].value, all.series.find(({ name }) => name === "web-1").values[place]);
  await page.mouse.move(5, 5);
  await page.waitForFunction(() => !document.querySelector(".readout, canvas"));
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

// A server whose machine has no rules of zones shows UTC.
const skip = existsSync("/usr/share/zoneinfo/America/New_York") ? false : "this machine knows no zones";

test("times are those of the browser's zone, in pictures, words and read-outs", { skip }, async () => {
  const { page, chart } = await space({ timezoneId: "America/New_York" });
  await page.waitForSelector("main[data-zone='America/New_York']");
  assert.match(await page.textContent(".picker > p.note"), /E[SD]T/);
  assert.match(await page.textContent("footer"), /times in America\/New_York/);
  const plot = chart("How fast is the checkout?");
  await plot.scrollIntoViewIfNeeded();
  const { x, y } = await at(plot, 0.25);
  await page.mouse.move(x, y);
  await page.waitForSelector(".readout");
  const all = await numbersOf(page, "How fast is the checkout?");
  const said = (await page.textContent(".readout .time")).trim();
  const clock = new Intl.DateTimeFormat("en-GB", { timeZone: "America/New_York", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  assert.ok(all.times.some((time) => said.startsWith(clock.format(new Date(time * 1000)))), said);
  await page.click("footer a:has-text('in UTC')");
  await page.waitForSelector("main[data-zone=UTC]");
  assert.match(await page.textContent(".picker > p.note"), /UTC/);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("a drag shows the time it covers in all pictures, Back undoes it, and a copied link shows the same elsewhere", async () => {
  const { page, chart } = await space();
  const first = page.url();
  const before = await page.locator(".plot > svg").evaluateAll((all) => all.map((svg) => svg.outerHTML));
  const plot = chart("Requests by area");
  await plot.scrollIntoViewIfNeeded();
  const [from, to] = [await at(plot, 0.25), await at(plot, 0.5)];
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL((url) => url.href !== first);
  const span = (url) => ["from", "to"].map((name) => Number(new URL(url).searchParams.get(name)));
  const [whole, part] = [span(first), span(page.url())];
  const length = whole[1] - whole[0];
  assert.ok(Math.abs(part[0] - whole[0] - length / 4) < length / 100 && Math.abs(part[1] - whole[0] - length / 2) < length / 100, `${part} of ${whole}`);
  await settled(page);
  const starts = await page.$$eval(".plot", (all) => [...new Set(all.map((plot) => Number(plot.dataset.start)))]);
  assert.deepEqual(starts, [part[0]]);
  await page.mouse.move(5, 5);
  const zoomed = page.url();
  const elsewhere = await visit(chromium, server);
  await elsewhere.goto(zoomed);
  await settled(elsewhere);
  const pictures = (page) => page.locator(".plot > svg").evaluateAll((all) => all.map((svg) => svg.outerHTML));
  assert.deepEqual(await pictures(elsewhere), await pictures(page));
  await page.goBack();
  await page.waitForFunction((start) => Number(document.querySelector(".plot").dataset.start) === start, whole[0]);
  assert.deepEqual(await pictures(page), before);
  await page.context().close();
  await elsewhere.context().close();
});

test("a series of a legend is shown alone, or hidden, and stacks and axes follow", async () => {
  const { page } = await space();
  const card = page.locator(".chart", { hasText: "Requests by area" });
  const top = () => card.locator(".plot text").filter({ hasText: "1/s" }).first().textContent();
  const whole = Number.parseFloat(await top());
  await card.locator("a", { hasText: "checkout" }).click();
  await page.waitForURL(/hide=/);
  await page.waitForFunction(() => document.querySelectorAll("tr.off").length === 3);
  assert.ok(Number.parseFloat(await top()) < whole / 2, "the axis still has room for what is hidden");
  await card.locator("a", { hasText: "checkout" }).click();
  await page.waitForFunction(() => document.querySelectorAll("tr.off").length === 0);
  assert.equal(Number.parseFloat(await top()), whole);
  await card.locator("a", { hasText: "basket" }).click({ modifiers: ["Control"] });
  await page.waitForFunction(() => document.querySelectorAll("tr.off").length === 1);
  assert.deepEqual(new URL(page.url()).searchParams.getAll("hide"), ["basket"]);
  await page.context().close();
});

test("keys alone reach every value, and say it", async () => {
  const { page } = await space();
  await page.keyboard.press("j");
  const all = await numbersOf(page, "How fast is the checkout?");
  const focused = () => page.evaluate(() => document.activeElement.closest(".chart")?.querySelector("h2")?.textContent);
  assert.equal(await focused(), "How fast is the checkout?");
  await page.waitForTimeout(200);
  const [{ start, end }] = [all.window];
  const inside = all.times.filter((time) => time >= start && time <= end);
  const cursor = () => page.evaluate(() => Number(document.activeElement.dataset.cursor));
  await page.keyboard.press("Home");
  await page.waitForSelector(".readout");
  assert.equal(await cursor(), inside[0]);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  assert.equal(await cursor(), inside[2]);
  await page.keyboard.press("End");
  assert.equal(await cursor(), inside.at(-1));
  await page.keyboard.press("ArrowLeft");
  assert.equal(await cursor(), inside.at(-2));
  await page.waitForFunction(() => /web-1 \S+/.test(document.querySelector("#said").textContent));
  await page.keyboard.press("j");
  assert.equal(await focused(), "Requests by area");
  await page.keyboard.press("t");
  await page.keyboard.press("z");
  await page.waitForFunction((start) => Number(document.querySelector(".plot").dataset.start) < start, start);
  await page.keyboard.press("g");
  await page.keyboard.press("a");
  await page.waitForURL(/\/ui\/alerts/);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("on a phone one finger scrolls, a finger that rests reads, two fingers zoom", async () => {
  const { page, chart } = await space({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const plot = chart("How fast is the checkout?");
  await plot.scrollIntoViewIfNeeded();
  const client = await page.context().newCDPSession(page);
  const send = (type, ...points) => client.send("Input.dispatchTouchEvent", { type, touchPoints: points });
  const p = await at(plot, 0.3);
  await send("touchStart", p);
  await page.waitForSelector(".readout");
  await send("touchEnd");
  const q = await at(plot, 0.6);
  const first = page.url();
  await send("touchStart", { ...p, id: 0 }, { ...q, id: 1 });
  await send("touchMove", { x: p.x - 60, y: p.y, id: 0 }, { x: q.x + 60, y: q.y, id: 1 });
  await send("touchEnd");
  await page.waitForURL((url) => url.href !== first);
  const [from, to] = ["from", "to"].map((name) => Number(new URL(page.url()).searchParams.get(name)));
  assert.ok(to - from < 14_000 && to - from > 3_000, `${to - from}`);
  await page.context().close();
});
