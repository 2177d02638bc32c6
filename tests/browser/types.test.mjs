// The scripts of the pages agree with what their comments say of types.

import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const require = createRequire(process.env.BROWSER_MODULES ? join(process.env.BROWSER_MODULES, "x.js") : import.meta.url);

test("types are as they are said to be", () => {
  const assets = join(dirname(fileURLToPath(import.meta.url)), "../../crates/server/src/serve/pages/assets/app.js");
  const options = ["--noEmit", "--checkJs", "--allowJs", "--strict", "--target", "es2022", "--module", "es2022", "--moduleResolution", "bundler", "--lib", "es2022,dom,dom.iterable"];
  try {
    execFileSync(process.execPath, [require.resolve("typescript/lib/tsc.js"), ...options, assets], { encoding: "utf8", cwd: dirname(assets) });
  } catch (error) {
    throw new Error(error.stdout);
  }
});
