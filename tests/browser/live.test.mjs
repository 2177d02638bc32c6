// Pages that live: what is measured appears, a server that is away is said and waited for, a hidden page asks nothing, memory stays.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PEOPLE, Server, browser, open, settled, shop, until, visit } from "./support.mjs";

let server, chromium, now;
before(async () => {
  server = await Server.start();
  ({ now } = await shop(server));
  chromium = await browser();
});
after(async () => {
  await chromium?.close();
  await server?.end();
});

/** Refreshes now, as the keys do. */
async function refresh(page) {
  const [response] = await Promise.all([page.waitForResponse((response) => response.url() === page.url()), page.keyboard.type("dr")]);
  await response.finished();
  await page.evaluate(() => new Promise((done) => setTimeout(done)));
}

test("what is measured is seen after a refresh, and nothing else of the page moves", async () => {
  const page = await visit(chromium, server);
  await page.goto("/ui/spaces/Shop");
  await settled(page);
  await page.locator(".picker summary", { hasText: "Another time" }).click();
  await page.evaluate(() => { globalThis.kept = [...document.querySelectorAll(".chart h2")]; });
  await server.gauges([["jobs.waiting", "eu", Math.floor(Date.now() / 1000), 4_242]]);
  await refresh(page);
  await page.waitForFunction(() => /4\s?242/.test(document.querySelector("main").textContent));
  assert.ok(await page.evaluate(() => globalThis.kept.every((one) => one.isConnected)), "titles were written anew");
  assert.ok(await page.evaluate(() => document.querySelector(".picker details").open), "a menu was closed");
  await page.context().close();
});

test("a server that is away is said and waited for; its pictures stay, and it is found again", async () => {
  const own = await Server.start();
  await shop(own);
  const page = await visit(chromium, own);
  await page.goto("/ui/spaces/Shop?refresh=5");
  await settled(page);
  const loads = await page.evaluate(() => performance.timeOrigin);
  await own.stop();
  await page.waitForSelector("#stale", { timeout: 45_000 });
  assert.match(await page.textContent("#stale"), /Stale since \d\d:\d\d:\d\d UTC/);
  assert.equal(await page.locator(".plot > svg").count(), 8);
  await own.run();
  await page.waitForFunction(() => !document.querySelector("#stale"), null, { timeout: 70_000 });
  assert.equal(await page.evaluate(() => performance.timeOrigin), loads, "the page was loaded again");
  await own.api("DELETE", "/v1/services/1").catch(() => {});
  await page.context().close();
  await own.end();
});

test("a page that nobody sees asks for nothing, and catches up when it is seen", async () => {
  const page = await visit(chromium, server);
  await page.goto("/ui/spaces/Shop?refresh=5");
  await settled(page);
  const requests = [];
  page.on("request", (request) => requests.push(request.url()));
  const hide = (hidden) => page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await hide(true);
  await page.waitForTimeout(6_500);
  assert.deepEqual(requests, []);
  await hide(false);
  await until("the page to catch up", () => requests.length > 0, 5);
  await page.context().close();
});

test("eight windows at once all load", async () => {
  const first = await visit(chromium, server);
  const pages = await Promise.all([...Array(8)].map(() => first.context().newPage()));
  const found = await Promise.all(pages.map(async (page) => {
    await page.goto("/ui/spaces/Shop");
    return page.locator(".plot > svg").count();
  }));
  assert.deepEqual(found, Array(8).fill(8));
  await first.context().close();
});

test("whose session ended is told so", async () => {
  const page = await open(chromium, server);
  await page.goto("/ui/login");
  await page.fill("input[name=user]", PEOPLE.operator[0]);
  await page.fill("input[name=token]", PEOPLE.operator[1]);
  await Promise.all([page.waitForURL(/\/ui\/$/), page.click("button.primary")]);
  await page.goto("/ui/alerts");
  await page.context().clearCookies();
  await page.keyboard.type("dr");
  await page.waitForSelector("#stale a");
  assert.match(await page.textContent("#stale"), /logged out/);
  await page.context().close();
});

const ROUNDS = Number(process.env.REFRESHES ?? 60);

test(`${ROUNDS} refreshes of 8 charts leave memory and nodes as they were`, { timeout: ROUNDS * 2_000 + 60_000 }, async () => {
  const page = await visit(chromium, server);
  await page.goto(`/ui/spaces/Shop?refresh=off`);
  await settled(page);
  const client = await page.context().newCDPSession(page);
  await client.send("Performance.enable");
  const measure = async () => {
    await client.send("HeapProfiler.collectGarbage");
    const { metrics } = await client.send("Performance.getMetrics");
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  };
  const step = async (n) => {
    await server.gauges([["jobs.waiting", "eu", Math.floor(Date.now() / 1000), 100 + (n % 50)]]);
    await refresh(page);
    if (n % 10 === 0) {
      await page.locator(".plot[data-kind=chart]").nth(n % 4).hover();
      await page.mouse.move(2, 2);
    }
  };
  for (let n = 0; n < 10; n++) await step(n);
  const first = await measure();
  const nodes = [];
  for (let n = 0; n < ROUNDS; n++) {
    await step(n);
    if ((n + 1) % Math.ceil(ROUNDS / 4) === 0) nodes.push((await measure()).Nodes);
  }
  const last = await measure();
  const heap = (last.JSHeapUsedSize - first.JSHeapUsedSize) / 1e6;
  console.log(`heap ${(first.JSHeapUsedSize / 1e6).toFixed(2)} MB, ${heap.toFixed(2)} MB more after ${ROUNDS} refreshes; nodes ${first.Nodes}, then ${nodes.join(", ")}, ${last.Nodes}; listeners ${first.JSEventListeners}, then ${last.JSEventListeners}`);
  assert.ok(heap < 2, `${heap} MB more`);
  assert.ok(last.Nodes <= first.Nodes * 1.1 + 50, `${first.Nodes} nodes, then ${last.Nodes}`);
  assert.equal(last.JSEventListeners, first.JSEventListeners);
  await page.context().close();
});
