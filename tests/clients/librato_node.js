// Drives a server with an unmodified librato-node 5.0.6, the way its README shows.

'use strict';

const assert = require('assert');
const http = require('http');
const { host, call, eventually, run } = require('./api.js');
const librato = require('librato-node');

const email = process.env.LIBRATO_USER;
const token = process.env.LIBRATO_TOKEN;
// The library's own way to another host: options of its HTTP requests.
const requestOptions = { uri: 'http://' + host + '/v1/metrics', maxAttempts: 1 };
const errors = [];

librato.on('error', (error) => errors.push(error));

function flush() {
  return new Promise((resolve, reject) => librato.flush((error) => (error ? reject(error) : resolve())));
}

function latest(name, source) {
  const path = '/v1/metrics/' + name + '?count=1&resolution=1';
  return eventually(name, path, (metric) => metric.measurements[source] && metric.measurements[source][0]);
}

run(
  [
    ['configure', () => librato.configure({ email, token, requestOptions })],
    [
      'increment',
      async () => {
        librato.increment('node.visits');
        librato.increment('node.visits', 2);
        librato.increment('node.visits', 5, { source: 'bar' });
        await flush();
        assert.strictEqual((await call('GET', '/v1/metrics/node.visits')).body.type, 'counter');
        assert.strictEqual((await latest('node.visits', 'unassigned')).value, 3);
        assert.strictEqual((await latest('node.visits', 'bar')).value, 5);
      },
    ],
    [
      'measure',
      async () => {
        for (const value of [500, 700]) librato.measure('node.response', value);
        librato.measure('node.response', 250, { source: 'bar' });
        await flush();
        const merged = await latest('node.response', 'unassigned');
        assert.deepStrictEqual([merged.count, merged.sum, merged.min, merged.max], [2, 1200, 500, 700]);
        assert.strictEqual((await latest('node.response', 'bar')).value, 250);
      },
    ],
    [
      'timing',
      async () => {
        librato.timing('node.sync', () => {});
        await new Promise((resolve) => librato.timing('node.async', (done) => setTimeout(done, 5), resolve));
        await flush();
        assert((await latest('node.async', 'unassigned')).value >= 4);
        assert((await latest('node.sync', 'unassigned')).count >= 1);
      },
    ],
    [
      'middleware',
      async () => {
        const middleware = librato.middleware();
        const app = http.createServer((request, response) => middleware(request, response, () => response.end('hello')));
        await new Promise((resolve) => app.listen(0, '127.0.0.1', resolve));
        await new Promise((resolve) => {
          http.get('http://127.0.0.1:' + app.address().port, (response) => response.resume().on('end', resolve));
        });
        await new Promise((resolve) => app.close(resolve));
        await flush();
        assert.strictEqual((await latest('requestCount', 'unassigned')).value, 1);
        assert.strictEqual((await latest('statusCode.2xx', 'unassigned')).value, 1);
      },
    ],
    [
      'a default source, and names that are made to fit',
      async () => {
        librato.configure({ email, token, requestOptions, source: 'web-1', prefix: 'app.' });
        librato.measure('odd name/with signs', 1);
        await flush();
        assert.strictEqual((await latest('app.odd_name_with_signs', 'web-1')).value, 1);
      },
    ],
    [
      'the worker, and stopping it',
      async () => {
        librato.configure({ email, token, requestOptions, period: 200 });
        librato.start();
        librato.measure('node.worker', 1);
        await latest('node.worker', 'unassigned');
        librato.measure('node.last', 1);
        await new Promise((resolve, reject) => librato.stop((error) => (error ? reject(error) : resolve())));
        await latest('node.last', 'unassigned');
        assert.deepStrictEqual(errors, []);
      },
    ],
    [
      'a wrong token is an error event',
      async () => {
        const options = { uri: requestOptions.uri, maxAttempts: 1 };
        librato.configure({ email, token: 'wrong', requestOptions: options });
        librato.measure('node.refused', 1);
        await assert.rejects(flush());
        assert.match(String(errors[0]), /statusCode: 401/);
      },
    ],
  ],
  () => {}
);
