// A statsd 0.9.0 daemon with one backend, fed by UDP. Its configuration is that of docs/emitters.md, with this test's ports and what
// else the test needs laid over it.

'use strict';

const assert = require('assert');
const { spawn } = require('child_process');
const dgram = require('dgram');
const fs = require('fs');
const os = require('os');
const path = require('path');

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

// `section` is the backend's part of the configuration, `more` what is added to it.
async function start(section, more) {
  port = await freePort();
  const own = {
    address: '127.0.0.1',
    port,
    mgmt_address: '127.0.0.1',
    // Any that is free; the daemon takes the number 0 for none at all.
    mgmt_port: '0',
    flushInterval: 500,
    deleteIdleStats: true,
    keyNameSanitize: false,
    debug: true,
  };
  const shown = fs.readFileSync(process.env.CONFORMANCE_SNIPPET, 'utf8');
  const file = path.join(directory, 'config.js');
  // The daemon evaluates its configuration as JavaScript.
  fs.writeFileSync(
    file,
    `((shown) => Object.assign(shown, ${JSON.stringify(own)}, { ${section}: Object.assign(shown.${section}, ${JSON.stringify(more)}) }))(${shown})`
  );
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

// Waits until the daemon has written what `pattern` matches.
async function writes(pattern) {
  for (let tries = 0; tries < 100 && !pattern.test(log); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.match(log, pattern);
}

function lives() {
  assert.strictEqual(daemon.exitCode, null, 'the daemon lives');
}

async function stop() {
  socket.close();
  if (daemon) {
    const gone = new Promise((resolve) => daemon.on('exit', resolve));
    daemon.kill('SIGKILL');
    await gone;
  }
  fs.rmSync(directory, { recursive: true });
  if (process.exitCode) console.error(log);
}

module.exports = { start, say, writes, lives, stop };
