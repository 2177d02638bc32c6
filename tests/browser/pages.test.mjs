// Every page, light and dark, on three widths: accessible, without a message, without scrolling sideways; and all of it without scripts.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PAGES, PEOPLE, Server, axe, browser, logIn, open, settled, shop, sideways, visit } from "./support.mjs";

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

for (const colorScheme of ["light", "dark"]) {
  for (const width of [1440, 390, 320]) {
    test(`every page is accessible and quiet: ${colorScheme}, ${width} px`, async () => {
      const page = await visit(chromium, server, { viewport: { width, height: 844 }, colorScheme });
      const wrong = [];
      for (const path of PAGES) {
        const response = await page.goto(path);
        assert.equal(response.status(), path === "/ui/nothing" ? 404 : 200, path);
        await settled(page);
        wrong.push(...(await axe(page)).map((one) => `${path}: ${one}`));
        if ((await sideways(page)) > 0) wrong.push(`${path} is wider than the window`);
        // The browser itself remarks on a status that is no success.
        wrong.push(...page.complaints.splice(0).filter((words) => !/status of 404/.test(words) || path !== "/ui/nothing").map((words) => `${path} says ${words}`));
      }
      assert.deepEqual(wrong, []);
      await page.context().close();
    });
  }
}

test("pictures are as wide as their cards, whatever the window, so that what is written in them has its size", async () => {
  for (const width of [320, 390, 800, 1440, 1700]) {
    const page = await visit(chromium, server, { viewport: { width, height: 800 } });
    for (const path of ["/ui/spaces/Shop", "/ui/alerts/shop.checkout.slow", "/ui/spaces/id/1/5"]) {
      await page.goto(path);
      await settled(page);
      const scales = await page.$$eval(".plot > svg", (all) => all.map((svg) => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width));
      assert.ok(scales.length > 0 && scales.every((scale) => scale > 0.97 && scale < 1.03), `${path} at ${width}: ${scales}`);
    }
    await page.context().close();
  }
});

test("without scripts: log in, every page, another time by form, all pictures", async () => {
  const page = await open(chromium, server, { javaScriptEnabled: false });
  await logIn(page, PEOPLE.operator);
  for (const path of PAGES.slice(0, -1)) {
    const response = await page.goto(path);
    assert.equal(response.status(), 200, path);
  }
  await page.goto("/ui/spaces/Shop");
  assert.equal(await page.locator(".plot > svg").count(), 8);
  assert.equal(await page.locator(".scripted:visible").count(), 0);
  await page.locator("summary", { hasText: "Another time" }).click();
  await page.fill("input[name=from]", "-2h");
  await page.locator(".picker form button").click();
  assert.equal(new URL(page.url()).search, "?from=-2h&to=");
  assert.equal(await page.locator(".plot > svg").count(), 8);
  await page.locator(".legend a", { hasText: "web-2" }).click();
  assert.equal(new URL(page.url()).searchParams.get("hide"), "web-2");
  assert.equal(await page.locator("tr.off", { hasText: "web-2" }).count(), 1);
  await page.goto("/ui/alerts/shop.checkout.slow");
  await Promise.all([page.waitForURL(/said=silenced/), page.locator("button", { hasText: "Silence for 1 h" }).click()]);
  assert.match(await page.textContent("[role=status]"), /Nobody is notified/);
  const silences = await server.api("GET", "/v1/silences?status=active&sort=desc");
  assert.equal(silences.silences[0].alert, "shop.checkout.slow");
  await server.api("DELETE", `/v1/silences/${silences.silences[0].id}`);
  await page.context().close();
});
