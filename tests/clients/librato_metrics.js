// Drives a server with an unmodified librato-metrics 0.0.7 for Node, the way its README and its own tests do.

'use strict';

const assert = require('assert');
const { host, call, run } = require('./api.js');

function connect(token) {
  const client = require('librato-metrics').createClient({ email: process.env.LIBRATO_USER, token });
  client._endpoint = 'http://' + host + '/v1';
  return client;
}

const client = connect(process.env.LIBRATO_TOKEN);

// The library's callbacks as promises.
function get(path) {
  return new Promise((resolve, reject) => client.get(path, (error, body) => (error ? reject(error) : resolve(body))));
}

function post(path, json) {
  return new Promise((resolve, reject) => client.post(path, json, (error, body) => (error ? reject(error) : resolve(body))));
}

run(
  [
    [
      'post metrics',
      async () => {
        await post('/metrics', {
          gauges: [
            { name: 'nm.first', value: 123 },
            { name: 'nm.second', value: 2, source: 'web-1' },
          ],
          counters: [{ name: 'nm.third', value: 3 }],
        });
        const listed = await get('/metrics?name=nm.');
        assert.deepStrictEqual(listed.metrics.map((one) => one.name), ['nm.first', 'nm.second', 'nm.third']);
        assert.strictEqual((await call('GET', '/v1/metrics/nm.first')).body.attributes.created_by_ua, 'node-librato-metrics/0.0.7');
        const read = await get('/metrics/nm.second?count=1&resolution=1');
        assert.strictEqual(read.measurements['web-1'][0].value, 2);
      },
    ],
    [
      'post an annotation',
      async () => {
        await post('/annotations/nm.deploys', { title: 'v91' });
        assert.strictEqual((await get('/annotations/nm.deploys?count=1')).events.unassigned[0].title, 'v91');
      },
    ],
    [
      'refusals are errors that say why',
      async () => {
        await assert.rejects(post('/metrics', { gauges: [{ name: 'nm bad', value: 1 }] }), /statusCode: 400/);
        await assert.rejects(get('/metrics/nm.nothing'), /statusCode: 404/);
        const stranger = connect('wrong');
        await new Promise((resolve) => stranger.get('/metrics', (error) => resolve(assert.match(String(error), /statusCode: 401/))));
      },
    ],
  ],
  () => {}
);
