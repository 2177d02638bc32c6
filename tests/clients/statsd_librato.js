// Drives a server with an unmodified statsd 0.9.0 and statsd-librato-backend 2.0.16: the real daemon, fed by UDP.

'use strict';

const assert = require('assert');
const { call, eventually, run } = require('./api.js');
const { start, say, writes, lives, stop } = require('./statsd_daemon.js');

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
    ['the daemon starts with the backend', () => start('librato', { writeToLegacy: true, tags: { region: 'eu' }, retryDelaySecs: 1 })],
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
      'a query by tags counts what came in both dialects once',
      async () => {
        const path = '/v1/measurements/login?resolution=60&duration=120&group_by=*&group_by_function=sum&summary_function=sum';
        const answer = (await call('GET', path)).body;
        const sum = answer.series[0].measurements.reduce((all, one) => all + one.value, 0);
        assert.strictEqual(sum, 3);
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
        await writes(/Placing metric 'fixed' to stoplist/);
        await say('fixed:2|g', 'beside:2|g');
        assert.strictEqual((await legacy('beside')).value, 2);
        lives();
      },
    ],
  ],
  stop
);
