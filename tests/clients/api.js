// What the scripts for Node share: looking at the server from beside the client that is being tested.
// CONFORMANCE_HOST (host:port), LIBRATO_USER and LIBRATO_TOKEN say where the server is.

'use strict';

const http = require('http');

const host = process.env.CONFORMANCE_HOST;
const authorization =
  'Basic ' + Buffer.from(process.env.LIBRATO_USER + ':' + process.env.LIBRATO_TOKEN).toString('base64');

// Resolves to {status, body}.
function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = { authorization, 'content-type': 'application/json' };
    const request = http.request('http://' + host + path, { method, headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode, body: text ? JSON.parse(text) : null }));
    });
    request.on('error', reject);
    request.end(body ? JSON.stringify(body) : undefined);
  });
}

// Asks again until `find` finds something in the answer.
async function eventually(what, path, find) {
  for (let tries = 0; tries < 200; tries++) {
    const answer = await call('GET', path);
    const found = answer.status === 200 ? find(answer.body) : undefined;
    if (found !== undefined && found !== null && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('never seen: ' + what);
}

// Runs the steps in order and says how many passed; the first that fails ends the process with 1.
async function run(steps, finish) {
  let passed = 0;
  try {
    for (const [name, step] of steps) {
      await step();
      console.error('ok: ' + name);
      passed += 1;
    }
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
  await finish();
  console.log('passed ' + passed);
}

module.exports = { host, call, eventually, run };
