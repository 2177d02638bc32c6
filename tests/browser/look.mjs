// Screenshots of all pages, to be looked at: node tests/browser/look.mjs DIRECTORY [WORDS OF A PATH]

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { PAGES, Server, browser, settled, shop, sideways, visit } from "./support.mjs";

const [to = "look", words = ""] = process.argv.slice(2);
mkdirSync(to, { recursive: true });
const server = await Server.start();
await shop(server);
const chromium = await browser();
for (const [name, width, height, colorScheme] of [["light", 1440, 900, "light"], ["dark", 1440, 900, "dark"], ["phone", 390, 844, "light"]]) {
  const page = await visit(chromium, server, { viewport: { width, height }, colorScheme, hasTouch: name === "phone" });
  for (const path of PAGES.filter((path) => path.includes(words))) {
    await page.goto(path);
    await settled(page);
    await page.screenshot({ path: join(to, `${path.replace(/\W+/g, "-").slice(1)}-${name}.png`), fullPage: true });
    console.log(name, path, await sideways(page), page.complaints.splice(0).join(" | "));
  }
}
await chromium.close();
await server.end();
