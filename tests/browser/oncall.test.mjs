// Somebody on call with a phone at night: from the link in a message to what is wrong, why it paged, and quiet for an hour.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PEOPLE, Server, browser, open, settled, shop } from "./support.mjs";

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

test("from a link to what is wrong, why, and quiet for an hour, on one screen of a phone", async () => {
  const page = await open(chromium, server, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: "dark" });
  await page.goto("/ui/alerts/shop.checkout.slow");
  await page.fill("input[name=user]", PEOPLE.operator[0]);
  await page.fill("input[name=token]", PEOPLE.operator[1]);
  await page.tap("button.primary");
  await page.waitForURL(/\/ui\/alerts\/shop\.checkout\.slow$/);
  await settled(page);
  // All of this stands above the fold, and the picture begins there.
  for (const [what, place] of [
    ["the state", page.locator(".chip.bad", { hasText: "firing" })],
    ["why it pages", page.locator(".trouble", { hasText: "shop.checkout.ms on web-2 has been above 800" })],
    ["the runbook", page.locator("a", { hasText: "wiki.example.org" })],
    ["the way to quiet", page.locator("button", { hasText: "Silence for 1 h" })],
  ]) {
    const box = await place.first().boundingBox();
    assert.ok(box && box.y + box.height <= 844, `${what} is not on the first screen: ${JSON.stringify(box)}`);
  }
  assert.ok((await page.locator(".plot").first().boundingBox()).y < 844, "the picture begins below the first screen");
  assert.match(await page.locator(".plot > svg").first().getAttribute("aria-label"), /greatest 1.* ms by web-2/);
  const title = await page.title();
  assert.match(title, /^\(1\)/, "a tab says that something fires");
  await Promise.all([page.waitForURL(/said=silenced|shop\.checkout\.slow$/), page.locator("button", { hasText: "Silence for 1 h" }).tap()]);
  await page.waitForSelector("text=Nobody is notified while it lasts");
  const { silences } = await server.api("GET", "/v1/silences?status=active&sort=desc");
  const made = silences.find(({ alert }) => alert === "shop.checkout.slow");
  assert.ok(made && made.user === PEOPLE.operator[0], JSON.stringify(silences));
  assert.ok(Math.abs(made.end_time - made.start_time - 3_600) <= 1, JSON.stringify(made));
  assert.match(await page.textContent(".strip.quiet"), /Silenced until .* UTC ?in .* · seen, silenced on its page · oncall/);
  assert.equal(await page.locator("button", { hasText: "Silence for 1 h" }).count(), 0);
  const alert = page.url();
  for (const path of ["/ui/alerts", "/ui/spaces/Shop"]) {
    await page.goto(path);
    assert.match(await page.locator("main").innerText(), /silenced until (\d+ \w+, )?\d\d:\d\d/, path);
  }
  await page.goto(alert);
  // Awake, and it can page again.
  await page.locator(".strip.quiet button", { hasText: "End it" }).tap();
  await page.waitForSelector("text=The silence is over");
  assert.equal(await page.locator(".strip.quiet").count(), 0);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});
