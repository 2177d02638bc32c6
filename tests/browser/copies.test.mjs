// What is taken from pages: definitions that change nothing when they are applied, and paper.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Server, TOKEN, USER, browser, settled, shop, visit } from "./support.mjs";

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

test("the YAML of every object, applied, changes nothing", async () => {
  const page = await visit(chromium, server);
  for (const path of ["/ui/spaces/Shop", "/ui/metrics/shop.checkout.ms", "/ui/alerts/shop.checkout.slow", "/ui/alerts/shop.calm"]) {
    await page.goto(path);
    await page.locator("details.yaml summary").click();
    const yaml = await page.locator("details.yaml pre").innerText();
    const dir = mkdtempSync(join(tmpdir(), "yaml-"));
    writeFileSync(join(dir, "copied.yaml"), yaml);
    const program = process.env.LIBRATO_APPLY ?? "target/debug/librato-apply";
    const out = execFileSync(program, ["plan", dir, "--endpoint", server.base, "--user", USER, "--color", "never"], { env: { ...process.env, LIBRATO_TOKEN: TOKEN }, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    assert.match(out, /[Nn]othing to change|No changes|up to date/, `${path}: ${out}\n${yaml}`);
    rmSync(dir, { recursive: true });
  }
  await page.context().close();
});

test("on paper charts are whole, with legends, without what can only be clicked", async () => {
  const page = await visit(chromium, server);
  await page.goto("/ui/spaces/Shop");
  await settled(page);
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator(".head nav, .menu, button, input").locator("visible=true").count(), 0);
  assert.ok((await page.locator(".legend").locator("visible=true").count()) >= 4);
  const breaks = await page.$$eval(".card", (cards) => cards.map((card) => getComputedStyle(card).breakInside));
  assert.ok(breaks.every((one) => one === "avoid"), `${breaks}`);
  const pdf = await page.pdf({ format: "A4" });
  const pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length ?? 0;
  assert.ok(pages >= 1 && pages <= 6, `${pages} pages`);
  await page.context().close();
});
