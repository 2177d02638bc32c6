// Who comes in, as a real browser has it: tokens, sessions, roles, forms and frames of other sites, foreign names of the host.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { PAGES, PEOPLE, Server, USER, browser, logIn, open, shop, visit } from "./support.mjs";

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

test("a wrong token opens nothing, and a logout ends the session where its cookie was copied too", async () => {
  const page = await open(chromium, server);
  await page.goto("/ui/alerts/shop.checkout.slow");
  assert.match(page.url(), /\/ui\/login\?to=/);
  await page.fill("input[name=user]", USER);
  await page.fill("input[name=token]", "wrong");
  await page.click("button.primary");
  assert.match(page.url(), /\/ui\/login/);
  assert.equal((await page.context().cookies()).filter(({ name }) => name.startsWith("la-")).length, 0);
  await page.goto("/ui/alerts/shop.checkout.slow");
  await page.fill("input[name=user]", PEOPLE.operator[0]);
  await page.fill("input[name=token]", PEOPLE.operator[1]);
  await Promise.all([page.waitForURL(/\/ui\/alerts\/shop.checkout.slow$/), page.click("button.primary")]);
  const cookies = (await page.context().cookies()).filter(({ name }) => name.startsWith("la-"));
  assert.deepEqual(cookies.map(({ httpOnly, sameSite }) => [httpOnly, sameSite]), [[true, "Strict"]]);
  const copy = await open(chromium, server);
  await copy.context().addCookies(cookies);
  assert.equal((await copy.goto("/ui/alerts")).url(), `${server.base}/ui/alerts`);
  await Promise.all([page.waitForURL(/\/ui\/login/), page.locator("button", { hasText: "Log out" }).click()]);
  assert.match((await copy.goto("/ui/alerts")).url(), /\/ui\/login/);
});

test("roles see their pages, and no setting of a service stands on any", async () => {
  const forOthers = /^\/ui\/(alerts|services|silences|health|changes)/;
  for (const [role, who] of Object.entries(PEOPLE)) {
    const page = await open(chromium, server);
    if (role === "recorder") {
      await page.goto("/ui/login");
      await page.fill("input[name=user]", who[0]);
      await page.fill("input[name=token]", who[1]);
      await page.click("button.primary");
      assert.match(page.url(), /\/ui\/login/);
      continue;
    }
    await logIn(page, who);
    for (const path of PAGES.slice(0, -1)) {
      const response = await page.goto(path);
      assert.equal(response.status(), role === "viewer" && forOthers.test(path) ? 403 : 200, `${role} ${path}`);
      assert.ok(!(await page.content()).includes("canary"), `${role} ${path}`);
    }
    if (role === "viewer") {
      await page.goto("/ui/spaces/Shop");
      assert.ok(!/checkout\.slow|above 800 for/.test(await page.content()), "a viewer sees an alert");
    }
    await page.context().close();
  }
});

/** Another site, which knows where ours is. */
async function elsewhere(html, use) {
  const site = createServer((_, response) => response.setHeader("content-type", "text/html").end(html)).listen(0, "127.0.0.1");
  await new Promise((done) => site.once("listening", done));
  try {
    // Another host for browsers, since cookies and sites know no port.
    await use(`http://localhost:${site.address().port}/`);
  } finally {
    site.close();
    site.closeAllConnections();
  }
}

test("forms of other sites change nothing, on pages and on the API", async () => {
  const page = await visit(chromium, server);
  const form = (action, fields) => `<!DOCTYPE html><form method="post" action="${server.base}${action}">${Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`).join("")}<button>go</button></form>`;
  for (const [action, fields] of [
    ["/ui/alerts/shop.checkout.slow/clear", {}],
    ["/ui/silences", { alert: "*", duration: "3600", why: "x", stream: "*" }],
    ["/v1/spaces", { name: "made by another site" }],
  ]) {
    await elsewhere(form(action, fields), async (site) => {
      await page.goto(site);
      const [response] = await Promise.all([page.waitForResponse((response) => response.url().includes(action)), page.click("button")]);
      assert.ok([401, 403].includes(response.status()), `${action}: ${response.status()}`);
      assert.equal(response.headers()["www-authenticate"], undefined, "a browser is asked for credentials that it would keep");
    });
  }
  assert.equal((await server.api("GET", "/v1/incidents?status=open")).incidents.length, 1);
  assert.equal((await server.api("GET", "/v1/spaces?name=made")).query.found, 0);
});

test("a link on another site leads to the page, and a frame on it to nothing", async () => {
  const page = await visit(chromium, server);
  const target = `${server.base}/ui/alerts/shop.checkout.slow`;
  await elsewhere(`<!DOCTYPE html><a href="${target}">look</a>`, async (site) => {
    await page.goto(site);
    await Promise.all([page.waitForURL(target), page.click("a")]);
    await page.waitForSelector("h1");
    assert.equal(await page.textContent("h1"), "shop.checkout.slow");
  });
  await elsewhere(`<!DOCTYPE html><iframe src="${target}"></iframe>`, async (site) => {
    await page.goto(site);
    await page.waitForTimeout(300);
    const inside = await page.frames()[1].content().catch(() => "");
    assert.ok(!inside.includes("shop.checkout.slow"), inside);
  });
});

test("a name of the host that nobody allowed is refused", async () => {
  for (const path of ["/", "/ui/", "/ui/login"]) {
    // As after a name of another site was bound to our address.
    const rebound = await chromium.newContext({ extraHTTPHeaders: {} });
    const page = await rebound.newPage();
    const status = await page.evaluate(() => 0).then(async () => {
      const { request } = await import("node:http");
      return new Promise((done) => request(server.base + path, { headers: { host: "evil.example" } }, (response) => { response.resume(); done(response.statusCode); }).end());
    });
    assert.equal(status, 421, path);
    await rebound.close();
  }
});

test("a one-time link opens once", async () => {
  const opened = await Server.start(["--open"]).catch((error) => error);
  assert.ok(opened instanceof Server, String(opened));
  const link = /(http:\/\/\S*\/ui\/login\?once=[0-9a-f]+)/.exec(opened.log)?.[1];
  assert.ok(link, opened.log);
  const page = await open(chromium, opened);
  await page.goto(link);
  assert.match(page.url(), /\/ui\/$/);
  const second = await open(chromium, opened);
  await second.goto(link);
  assert.match(second.url(), /\/ui\/login/);
  await opened.end();
});
