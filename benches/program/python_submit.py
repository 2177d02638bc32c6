"""Submits gauges with an unmodified python-librato, batched by its own queue. Says nothing; it is timed from outside.

BENCH_HOST (host:port), BENCH_COUNT, LIBRATO_USER, LIBRATO_TOKEN.
"""

import os
import time

import librato

api = librato.connect(
    os.environ["LIBRATO_USER"],
    os.environ["LIBRATO_TOKEN"],
    hostname=os.environ["BENCH_HOST"],
    base_path="/v1/",
    protocol="http",
)
count, now = int(os.environ["BENCH_COUNT"]), int(time.time())
if count:
    # The queue submits itself whenever it holds 300, and the rest at the end.
    with api.new_queue(auto_submit_count=300) as queue:
        for n in range(count):
            queue.add("load.python.%03d" % (n % 100), n % 1000 + n % 10 / 10, measure_time=now - 3600 + n * 3600 // count)
