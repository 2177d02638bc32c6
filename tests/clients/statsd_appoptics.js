// Drives a server with an unmodified statsd 0.9.0 and statsd-appoptics-backend 1.0.0: the real daemon, fed by UDP.

'use strict';

const assert = require('assert');
const { call, eventually, run } = require('./api.js');
const { start, say, writes, lives, stop } = require('./statsd_daemon.js');

// The last point of the first stream that has all of `tags`.
function latest(name, tags) {
  const path = '/v1/measurements/' + name + '?resolution=1&duration=60&summary_function=all';
  return eventually(name, path, (answer) => {
    const stream = answer.series.find((one) => Object.keys(tags).every((tag) => one.tags[tag] === tags[tag]));
    return stream && stream.measurements[stream.measurements.length - 1];
  });
}

run(
  [
    ['the daemon starts with the backend', () => start('appoptics', { tags: { region: 'eu' }, retryDelaySecs: 1 })],
    [
      'counters',
      async () => {
        await say('ao.login:3|c');
        assert.strictEqual((await latest('ao.login', {})).value, 3);
      },
    ],
    [
      'timers',
      async () => {
        await say('ao.resp:10|ms', 'ao.resp:20|ms', 'ao.resp:60|ms');
        const point = await latest('ao.resp', {});
        assert.deepStrictEqual([point.value, point.min, point.max], [30, 10, 60]);
      },
    ],
    [
      'gauges, with tags in the name',
      async () => {
        await say('ao.load#shard=7:4|g');
        assert.strictEqual((await latest('ao.load', { shard: '7' })).last, 4);
      },
    ],
    [
      'a metric of another type is given up, the others go on',
      async () => {
        assert.strictEqual((await call('PUT', '/v1/metrics/ao.fixed', { type: 'counter' })).status, 201);
        await say('ao.fixed:1|g');
        await writes(/Placing metric 'ao.fixed' to stoplist/);
        await say('ao.fixed:2|g', 'ao.beside:2|g');
        assert.strictEqual((await latest('ao.beside', {})).value, 2);
        lives();
      },
    ],
  ],
  stop
);
