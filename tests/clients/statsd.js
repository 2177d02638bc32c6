// Drives a server with an unmodified statsd 0.9.0 and statsd-librato-backend 2.0.16: the real daemon, fed by UDP.

'use strict';

const assert = require('assert');
const { spawn } = require('child_process');
const dgram = require('dgram');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { host, call, eventually, run } = require('./api.js');

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'conformance-statsd-'));
const socket = dgram.createSocket('udp4');
let daemon;
let port;
let log = '';

function freePort() {
  return new Promise((resolve) => {
    const probe = dgram.createSocket('udp4');
    probe.bind(0, '127.0.0.1', () => {
      const found = probe.address().port;
      probe.close(() => resolve(found));
    });
  });
}

async function start() {
  port = await freePort();
  const config = {
    address: '127.0.0.1',
    port,
    mgmt_address: '127.0.0.1',
    mgmt_port: await freePort(),
    flushInterval: 500,
    deleteIdleStats: true,
    keyNameSanitize: false,
    debug: true,
    backends: ['statsd-librato-backend'],
    librato: {
      email: process.env.LIBRATO_USER,
      token: process.env.LIBRATO_TOKEN,
      api: 'http://' + host,
      source: 'web-1',
      host: 'web-1.example.org',
      tags: { region: 'eu' },
      writeToLegacy: true,
      retryDelaySecs: 1,
    },
  };
  const file = path.join(directory, "config.js");
  fs.writeFileSync(file, JSON.stringify(config));
  daemon = spawn(process.execPath, [require.resolve('statsd/stats.js'), file], { stdio: ['ignore', 'pipe', 'pipe'] });
  daemon.on('error', (error) => (log += error));
  for (const stream of [daemon.stdout, daemon.stderr]) stream.on('data', (chunk) => (log += chunk));
  // The daemon says that it is up before its socket is bound, so the first packets may be lost.
  for (let tries = 0; tries < 100 && !/Sending Payload/.test(log); tries++) {
    await say('warm:1|c');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.match(log, /Sending Payload/);
}

function say(...lines) {
  return new Promise((resolve) => socket.send(lines.join('\n'), port, '127.0.0.1', resolve));
}

// The stream of a tagged metric that has all of `tags`, and its last point.
function tagged(name, tags) {
  const path = '/v1/measurements/' + name + '?resolution=1&duration=60&summary_function=all';
  return eventually(name, path, (answer) => {
    const fits = (stream) => Object.keys(tags).every((tag) => stream.tags[tag] === tags[tag]);
    const stream = answer.series.find(fits);
    return stream && stream.measurements[stream.measurements.length - 1];
  });
}

function legacy(name) {
  const path = '/v1/metrics/' + name + '?count=1&resolution=1';
  return eventually(name, path, (metric) => metric.measurements['web-1'] && metric.measurements['web-1'][0]);
}

run(
  [
    ['the daemon starts with the backend', start],
    [
      'counters',
      async () => {
        // The backend gives every measurement a tag of its own, which replaces those of the configuration.
        await say('login:3|c');
        assert.strictEqual((await tagged('login', { source: 'web-1' })).value, 3);
        assert.strictEqual((await legacy('login')).value, 3);
      },
    ],
    [
      'timers',
      async () => {
        await say('resp:10|ms', 'resp:20|ms', 'resp:60|ms');
        const point = await tagged('resp', { source: 'web-1' });
        assert.deepStrictEqual([point.value, point.min, point.max], [30, 10, 60]);
        await tagged('resp.90', { source: 'web-1' });
        const merged = await legacy('resp');
        assert.deepStrictEqual([merged.count, merged.sum, merged.min, merged.max], [3, 90, 10, 60]);
      },
    ],
    [
      'gauges, with tags in the name',
      async () => {
        await say('load#shard=7:4|g');
        assert.strictEqual((await tagged('load', { shard: '7' })).last, 4);
      },
    ],
    [
      'sets',
      async () => {
        await say('users:a|s', 'users:b|s', 'users:a|s');
        assert.strictEqual((await tagged('users', { source: 'web-1' })).last, 2);
      },
    ],
    [
      'a metric of another type is given up, the others go on',
      async () => {
        assert.strictEqual((await call('PUT', '/v1/metrics/fixed', { type: 'counter' })).status, 201);
        await say('fixed:1|g', 'beside:1|g');
        for (let tries = 0; tries < 100 && !/Placing metric 'fixed' to stoplist/.test(log); tries++) {
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        assert.match(log, /Placing metric 'fixed' to stoplist/);
        await say('fixed:2|g', 'beside:2|g');
        assert.strictEqual((await legacy('beside')).value, 2);
        assert.strictEqual(daemon.exitCode, null, 'the daemon lives');
      },
    ],
  ],
  async () => {
    socket.close();
    if (daemon) {
      const gone = new Promise((resolve) => daemon.on('exit', resolve));
      daemon.kill('SIGKILL');
      await gone;
    }
    fs.rmSync(directory, { recursive: true });
    if (process.exitCode) console.error(log);
  }
);
