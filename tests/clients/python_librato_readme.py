"""What the README of python-librato 0.8.6 shows, one after the other, with an unmodified python-librato.

Run by tests/coming_from_python, which does the same with the library of this project and compares what is left.
CONFORMANCE_HOST (host:port), LIBRATO_USER, LIBRATO_TOKEN say where; BASE is a time of the last hours, a whole minute.
"""

import os
import time

import librato
from librato.aggregator import Aggregator

user, token, base = os.environ["LIBRATO_USER"], os.environ["LIBRATO_TOKEN"], int(os.environ["BASE"])
elsewhere = {"hostname": os.environ["CONFORMANCE_HOST"], "base_path": "/v1/", "protocol": "http"}


def give_up(_):
    # Above 4xx the library waits and tries again for ever; a test would rather fail.
    raise AssertionError("the server answered with a 5xx status")


api = librato.connect(user, token, **elsewhere)
api.backoff_logic = give_up
clean = librato.connect(user, token, sanitizer=librato.sanitize_metric_name, **elsewhere)
clean.submit("room temperature (home)", 10)
assert [m.name for m in api.list_metrics()] == ["room-temperature-home-"]
clean.delete("room temperature (home)")

# Metrics
api.submit("temperature", 10, description="temperature at home")
assert [m.name for m in api.list_all_metrics()] == ["temperature"]
api.delete("temperature")
api.submit("connections", 20, type='counter', description="server connections")
assert api.get("connections").description == "server connections"
api.delete("connections")
for temp in [20, 21, 22]:
    api.submit("temperature", temp)
api.submit("connections", 100, type="counter")
gauge = api.get("temperature")
counter = api.get("connections")
assert (type(gauge).__name__, type(counter).__name__) == ("Gauge", "Counter")
api.create_composite("humidity", 'sum(s("all.*", "*"))', description="a test composite")
metric = api.get("temperature", count=100, resolution=1)
assert sum(m["sum"] for m in metric.measurements["unassigned"]) == 63
compose = 'mean(s("temperature", "*", {function: "mean", period: "3600"}))'
start_time = int(time.time()) - 8 * 3600
resp = api.get_composite(compose, start_time=start_time)
assert resp["measurements"][0]["series"][-1]["value"] == 21

# Batches
q = api.new_queue()
q.add("temperature", 22.1, source="upstairs")
q.add("temperature", 23.1, source="downstairs")
q.add("num_requests", 100, type="counter", source="server1")
q.add("num_requests", 102, type="counter", source="server2")
q.submit()
try:
    with api.new_queue() as q:
        q.add("scoped", 22.1, source="upstairs")
        raise OSError("potentially dangerous")
except OSError:
    pass
q = api.new_queue(auto_submit_count=3)
for value in [1, 2, 3, 4]:
    q.add("auto", value)

# Aggregation
a = Aggregator(api)
a.add("foo", 42)
a.add("foo", 5)
a.submit()
a = Aggregator(api, source="my.source", period=60)
a.add("foo", 42)
a.add("foo", 5)
a.submit()
a = Aggregator(api, period=60, measure_time=base + 31)
a.add("foo.floored", 42)
a.add("foo.floored", 5)
a.submit()
a = Aggregator(api, measure_time=base + 31)
a.add("foo.exact", 42)
a.add("foo.exact", 5)
a.submit()
a = Aggregator(api, source="queued")
a.add("foo", 42)
q = librato.queue.Queue(api)
q.add_aggregator(a)
q.submit()

# Attributes
gauge = api.get("temperature")
attrs = gauge.attributes
attrs["display_units_long"] = "ms"
api.update("temperature", attributes=attrs)

# Annotations
api.post_annotation("testing", title="foobarbiz")
api.post_annotation(
    "TravisCI",
    title="build 7",
    source="box",
    description="Application shop, Travis build 7",
    links=[{"rel": "travis", "href": "http://travisci.com/somebuild"}],
)
assert [stream.name for stream in api.list_annotation_streams()] == ["testing", "TravisCI"]
assert api.get_annotation_stream("testing").name == "testing"
stream = api.get_annotation_stream("TravisCI", start_time=base)
assert stream.events["box"][0]["title"] == "build 7"
api.delete_annotation_stream("testing")

# Alerts
alert = api.create_alert("too.many")
alert.add_condition_for("temperature").above(1)
alert.add_condition_for("temperature").above(1).duration(60)
alert.add_condition_for("temperature").above(1, "sum")
alert.save()
alert = api.create_alert("too.few")
alert.add_condition_for("temperature").below(1)
alert.save()
alert = api.create_alert("gone")
alert.add_condition_for("temperature").stops_reporting_for(60)
alert.save()
assert sorted(alert.name for alert in api.list_alerts()) == ["gone", "too.few", "too.many"]
api.set_timeout(5)
assert len(api.list_alerts()) == 3
