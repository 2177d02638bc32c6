// What people who look cost beside measurements that come in: `just bench viewers`. Thirty viewers of a space of eight charts, each refreshed
// as pages refresh themselves, beside ingestion as fast as it goes. Processor time of the server, since walls of a busy machine are noise;
// the figure is by how much a measurement costs more, and, measured by itself, what one look costs. `SECONDS=20` and `ROUNDS=3` by default.

import { readFileSync } from "node:fs";
import { request } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
process.env.LIBRATO_APPLY ??= join(root, "target/release/librato-apply");
process.env.BROWSER_MODULES ??= join(root, "target/bench-browser");
const { PEOPLE, Server, TOKEN, USER, noise } = await import("../../tests/browser/support.mjs");

const [SECONDS, ROUNDS, VIEWERS] = [Number(process.env.SECONDS ?? 20), Number(process.env.ROUNDS ?? 3), Number(process.env.VIEWERS ?? 30)];
/** A window of six hours asks for itself each minute. */
const EVERY = 60;
/** Kernels count in hundredths of a second. */
const TICK = 10;

const server = await Server.start();
const spent = () => {
  const [utime, stime] = readFileSync(`/proc/${server.process.pid}/stat`, "utf8").replace(/.*\) /, "").split(" ").slice(11, 13).map(Number);
  return (utime + stime) * TICK;
};

/** An answer, read to its end. */
const ask = (method, path, headers, body) =>
  new Promise((done, fail) => {
    const asked = request(server.base + path, { method, headers: { host: new URL(server.base).host, ...headers } }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part)).on("end", () => done({ status: answer.statusCode, headers: answer.headers, bytes: Buffer.concat(parts).length }));
    });
    asked.on("error", fail).end(body);
  });

const now = Math.floor(Date.now() / 60_000) * 60;
for (let n = 0; n < 8; n++) {
  await server.gauges([0, 1, 2, 3].flatMap((s) => [...Array(360).keys()].map((i) => [`bench.m${n}`, `web-${s}`, now - 60 * (360 - i), 100 + 40 * noise(i * 31 + s)])));
}
const { id } = await server.post("/v1/spaces", { name: "eight" });
for (let n = 0; n < 8; n++) await server.post(`/v1/spaces/${id}/charts`, { name: `chart ${n}`, type: "line", streams: [{ metric: `bench.m${n}`, source: "*", group_function: "breakout" }] });

const [user, token] = PEOPLE.operator;
const login = await ask("POST", "/ui/login", { "content-type": "application/x-www-form-urlencoded" }, new URLSearchParams({ user, token }).toString());
const cookie = login.headers["set-cookie"].map((one) => one.split(";")[0]).join("; ");
const look = async () => {
  const { status, bytes } = await ask("GET", "/ui/spaces/eight", { cookie, "accept-encoding": "gzip" });
  if (status !== 200) throw new Error(`a page answered ${status}`);
  return bytes;
};

/** Bodies of a thousand measurements each, of other metrics; those of the space come every ten seconds, as emitters send them. */
const authorization = `Basic ${Buffer.from(`${USER}:${TOKEN}`).toString("base64")}`;
const bodies = [...Array(40).keys()].map((b) => JSON.stringify({ gauges: [...Array(1_000).keys()].map((i) => ({ name: `load.m${i}`, source: `web-${b}`, value: i + b })) }));
const send = async (body) => {
  const { status } = await ask("POST", "/v1/metrics", { authorization, "content-type": "application/json" }, body);
  if (status !== 200) throw new Error(`measurements were answered with ${status}`);
};
for (const body of bodies) await send(body);

/** Milliseconds of processor time for a thousand measurements, with or without people who look. */
async function load(isSeen) {
  const [begun, before] = [Date.now(), spent()];
  let [sent, looks] = [0, 0];
  const goes = () => Date.now() - begun < SECONDS * 1_000;
  const sender = async (n) => { for (let i = n; goes(); i++) { await send(bodies[i % bodies.length]); sent++; } };
  const viewers = async () => {
    while (isSeen && goes()) {
      await Promise.all([look(), new Promise((done) => setTimeout(done, (EVERY / VIEWERS) * 1_000))]);
      looks++;
    }
  };
  const measured = async () => {
    while (goes()) {
      await server.gauges([...Array(32).keys()].map((n) => [`bench.m${n >> 2}`, `web-${n % 4}`, Math.floor(Date.now() / 1_000), 100 * noise(Date.now() + n)]));
      await new Promise((done) => setTimeout(done, 10_000));
    }
  };
  await Promise.all([viewers(), Promise.race([measured(), new Promise((done) => setTimeout(done, SECONDS * 1_000))]), ...[0, 1, 2, 3].map(sender)]);
  return { each: (spent() - before) / sent, rate: Math.round(sent / SECONDS), looks };
}

const alone = [], beside = [];
for (let round = 0; round < ROUNDS; round++) {
  alone.push(await load(false));
  beside.push(await load(true));
}
// One look after the other, each after something was measured, so that nothing is remembered.
const LOOKS = 100;
let begun = spent();
for (let n = 0; n < LOOKS; n++) await server.gauges([["bench.m0", "web-0", now - 60 * (n % 300), n]]);
const writing = spent() - begun;
begun = spent();
for (let n = 0; n < LOOKS; n++) {
  await server.gauges([["bench.m0", "web-0", now - 60 * (n % 300), n]]);
  await look();
}
const drawn = (spent() - begun - writing) / LOOKS;
begun = spent();
for (let n = 0; n < LOOKS; n++) await look();
const again = (spent() - begun) / LOOKS;
await server.end();

const mean = (all) => all.reduce((sum, one) => sum + one, 0) / all.length;
const [without, and] = [mean(alone.map(({ each }) => each)), mean(beside.map(({ each }) => each))];
console.log(`thousand measurements, ms of processor: ${alone.map(({ each }) => each.toFixed(2)).join(" · ")} alone, ${beside.map(({ each }) => each.toFixed(2)).join(" · ")} beside ${VIEWERS} viewers (${beside.map(({ looks }) => looks).join(" · ")} looks): ${(100 * (and / without - 1)).toFixed(1)} % more`);
console.log(`thousands of measurements a second: ${alone.map(({ rate }) => rate).join(" · ")} alone, ${beside.map(({ rate }) => rate).join(" · ")} beside`);
const rate = mean(alone.map(({ rate }) => rate));
console.log(`a look, ms of processor: ${drawn.toFixed(1)} when something was measured since, ${again.toFixed(1)} otherwise; ${VIEWERS} viewers: ${((100 * (VIEWERS / EVERY) * drawn) / (rate * without)).toFixed(1)} % of what ingestion takes`);
