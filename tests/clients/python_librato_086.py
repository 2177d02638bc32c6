"""Drives a server with an unmodified python-librato 0.8.6, the way its users do.

Run by tests/witnesses/conformance.rs, which says where the server is (CONFORMANCE_HOST, LIBRATO_USER, LIBRATO_TOKEN).
"""

import os
import time
import unittest

import librato
from librato.aggregator import Aggregator
from librato.exceptions import BadRequest, NotFound, Unauthorized
from librato.metrics import Counter, Gauge
from librato.queue import Queue


def connect(token=None):
    # The library's documented way to another host: everything is passed to connect().
    return librato.connect(
        os.environ["LIBRATO_USER"],
        token or os.environ["LIBRATO_TOKEN"],
        hostname=os.environ["CONFORMANCE_HOST"],
        base_path="/v1/",
        protocol="http",
    )


class Case(unittest.TestCase):
    def setUp(self):
        self.api = connect()
        # Above 4xx the library waits and tries again for ever; a test would rather fail.
        def give_up(_):
            raise AssertionError("the server answered with a 5xx status")
        self.api.backoff_logic = give_up

    def names(self, **query):
        return [metric.name for metric in self.api.list_metrics(**query)]


class Metrics(Case):
    def test_version_is_the_one_we_mean(self):
        self.assertEqual(librato.__version__, "0.8.6")

    def test_submit_get_update_delete_gauge(self):
        self.api.submit("py.gauge", 42.5, description="made by its first value", period=60)
        gauge = self.api.get("py.gauge")
        self.assertIsInstance(gauge, Gauge)
        self.assertEqual(gauge.name, "py.gauge")
        self.assertEqual(gauge.description, "made by its first value")
        self.assertEqual(gauge.period, 60)

        self.api.update("py.gauge", description="new", attributes={"display_units_short": "ms"})
        gauge = self.api.get("py.gauge")
        self.assertEqual(gauge.description, "new")
        self.assertEqual(gauge.period, 60, "what was not sent stays")
        self.assertEqual(gauge["display_units_short"], "ms")

        # The idiom of the library's README: read all attributes, change one, write all back.
        attributes = gauge.attributes
        attributes["color"] = "#52D74C"
        self.api.update("py.gauge", attributes=attributes)
        gauge = self.api.get("py.gauge")
        self.assertEqual((gauge["color"], gauge["display_units_short"]), ("#52D74C", "ms"))

        self.assertIn("py.gauge", self.names())
        self.api.delete("py.gauge")
        self.assertNotIn("py.gauge", self.names())
        with self.assertRaises(NotFound):
            self.api.get("py.gauge")

    def test_submit_counter_with_source_and_time(self):
        self.api.submit("py.counter", 1000, type="counter", source="web-1", measure_time=int(time.time()) - 60)
        counter = self.api.get("py.counter")
        self.assertIsInstance(counter, Counter)
        counter.add(1010, source="web-1")

    def test_a_metric_keeps_its_type(self):
        self.api.submit("py.fixed", 1, type="gauge")
        with self.assertRaises(BadRequest):
            self.api.submit("py.fixed", 1, type="counter")

    def test_names_are_judged_by_the_server_unless_sanitized(self):
        with self.assertRaises(BadRequest) as refused:
            self.api.submit("py bad/name", 1)
        self.assertTrue(str(refused.exception).startswith("[400] "), refused.exception)
        self.api.sanitize = librato.sanitize_metric_name
        self.api.submit("py bad/name", 1)
        self.assertEqual(self.api.get("py-bad-name").name, "py-bad-name")

    def test_create_composite(self):
        self.api.submit("py.of", 1)
        self.api.create_composite("py.composite", 'sum(s("py.of","*"))', description="of one")
        found = [metric for metric in self.api.list_metrics(name="py.composite")]
        self.assertEqual([metric.name for metric in found], ["py.composite"])
        self.assertEqual(found[0].composite, 'sum(s("py.of","*"))')

    def test_the_composite_of_the_readme(self):
        # The mean over all cities, one point an hour, for the last eight hours.
        compose = 'mean(s("temperature", "*", {function: "mean", period: "3600"}))'
        now = int(time.time())
        this_hour = now // 3600 * 3600
        # tests/command/query.rs asks the same of the same data.
        with self.api.new_queue() as queue:
            for back in range(1, 8):
                for city, value in [("berlin", 10), ("oslo", 4), ("rome", 22)]:
                    for minute in [0, 20, 40]:
                        measured = this_hour - 3600 * back + 60 * minute
                        queue.add("temperature", value + back + minute / 20, source=city, measure_time=measured)
        read = self.api.get_composite(compose, start_time=now - 8 * 3600)
        self.assertEqual((read["compose"], read["resolution"]), (compose, 1))
        [series] = read["measurements"]
        self.assertEqual((series["metric"]["name"], series["period"]), ("temperature", 3600))
        self.assertEqual(series["query"], {"metric": "temperature", "source": "*"})
        found = [(one["measure_time"], one["value"]) for one in series["series"]]
        self.assertEqual(found, [(this_hour - 3600 * back, 13.0 + back) for back in range(7, 0, -1)])

    def test_a_composite_that_cannot_be_read_is_refused_in_words(self):
        with self.assertRaises(BadRequest) as refused:
            self.api.get_composite('maen(s("temperature", "*"))', start_time=int(time.time()) - 60)
        self.assertIn("did you mean mean(", str(refused.exception))
        with self.assertRaises(BadRequest):
            self.api.create_composite("py.composite.bad", 'sum(s("temperature"')

    def test_list_by_name_and_all_pages(self):
        wanted = ["py.page.%03d" % i for i in range(7)]
        for name in wanted:
            self.api.submit(name, 1)
        self.assertEqual(sorted(self.names(name="py.page.")), wanted)
        paged = [metric.name for metric in self.api.list_all_metrics(name="py.page.", length=3)]
        self.assertEqual(sorted(paged), wanted)

    def test_delete_several(self):
        for name in ["py.many.a", "py.many.b", "py.many.c"]:
            self.api.submit(name, 1)
        self.api.delete(["py.many.a", "py.many.b"])
        self.assertEqual(self.names(name="py.many."), ["py.many.c"])

    def test_queue_of_more_than_one_request(self):
        with self.api.new_queue() as queue:
            for i in range(301):
                queue.add("py.queue.%d" % (i % 5), i)
            queue.add("py.queue.count", 3, type="counter")
        self.assertEqual(len(self.names(name="py.queue.")), 6)

    def test_aggregator(self):
        aggregator = Aggregator(self.api, source="web-1", period=60)
        for value in [1, 2, 3]:
            aggregator.add("py.aggregated", value)
        aggregator.submit()
        self.assertIsInstance(self.api.get("py.aggregated"), Gauge)


class Readme(Case):
    """What its README shows, in its order."""

    def test_basic_usage(self):
        self.api.submit("temperature", 10, description="temperature at home")
        self.api.delete("temperature")
        self.api.submit("connections", 20, type="counter", description="server connections")
        self.assertIn(("connections", "server connections"), [(m.name, m.description) for m in self.api.list_metrics()])
        self.api.delete("connections")
        now = int(time.time())
        for ago, temperature in [(3, 20), (2, 21), (1, 22)]:
            self.api.submit("temperature", temperature, measure_time=now - ago)
        for connections in [100, 200, 300]:
            self.api.submit("connections", connections, type="counter")
        metric = self.api.get("temperature", count=100, resolution=1)
        values = [(m["value"], m["measure_time"]) for m in metric.measurements["unassigned"]]
        self.assertEqual(values, [(20, now - 3), (21, now - 2), (22, now - 1)])
        self.assertEqual(self.api.get("connections", count=1, resolution=60).measurements["unassigned"][0]["value"], 300)

    def test_queues(self):
        queue = self.api.new_queue()
        queue.add("num_requests", 100, type="counter", source="server1")
        queue.add("num_requests", 102, type="counter", source="server2")
        queue.submit()
        read = self.api.get("num_requests", count=1, resolution=1)
        self.assertEqual(sorted(read.measurements), ["server1", "server2"])

        with self.assertRaises(ZeroDivisionError):
            with self.api.new_queue() as queue:
                queue.add("py.before.failing", 22.1, source="upstairs")
                queue.add("py.after.failing", 1 / 0)
        self.assertEqual(self.names(name="failing"), ["py.before.failing"])

        queue = self.api.new_queue(auto_submit_count=3)
        for number in range(3):
            queue.add("py.auto", number)
        self.assertEqual(self.names(name="py.auto"), ["py.auto"])

    def test_aggregators_in_a_queue(self):
        now = int(time.time()) - 300
        aggregator = Aggregator(self.api, source="my.source", period=60, measure_time=now)
        aggregator.add("foo", 42)
        aggregator.add("foo", 5)
        queue = Queue(self.api)
        queue.add_aggregator(aggregator)
        queue.submit()
        (point,) = self.api.get("foo", count=1, resolution=1).measurements["my.source"]
        self.assertEqual((point["count"], point["min"], point["max"], point["sum"]), (2, 5, 42, 47))
        self.assertEqual((point["value"], point["measure_time"]), (23.5, now - now % 60))

    def test_updating_every_metric(self):
        self.api.submit("py.every", 1)
        for metric in self.api.list_metrics(name="py.every"):
            attributes = self.api.get(metric.name).attributes
            attributes["display_units_long"] = "ms"
            self.api.update(metric.name, attributes=attributes)
        self.assertEqual(self.api.get("py.every")["display_units_long"], "ms")

    def test_events_of_a_stream(self):
        self.api.post_annotation("testing", title="foobarbiz")
        self.api.post_annotation(
            "testing",
            title="build 7",
            source="ci",
            description="Application a, build 7",
            links=[{"rel": "travis", "href": "http://ci.example.org/7"}],
        )
        stream = self.api.get_annotation_stream("testing", start_time="1386050400")
        self.assertEqual({source: [event["title"] for event in events] for source, events in stream.events.items()},
                         {"unassigned": ["foobarbiz"], "ci": ["build 7"]})
        self.api.delete_annotation_stream("testing")

    def test_conditions(self):
        self.api.submit("metric_name", 1)
        alert = self.api.create_alert("py.readme.alert")
        alert.add_condition_for("metric_name").above(1)
        alert.add_condition_for("metric_name").above(1).duration(60)
        alert.add_condition_for("metric_name").above(1, "sum")
        alert.add_condition_for("metric_name").below(1)
        alert.save()
        self.assertEqual(len(self.api.get_alert("py.readme.alert").conditions), 4)
        # Shown with one second; the API's own documentation asks for one minute to one hour.
        alert.add_condition_for("metric_name").stops_reporting_for(1)
        with self.assertRaises(BadRequest):
            alert.save()


class Dashboards(Case):
    def setUp(self):
        super().setUp()
        self.api.submit("py.dash.cpu", 1, source="web-1")

    def test_instruments(self):
        made = self.api.create_instrument("py made", attributes={"display_stacked": True})
        self.assertEqual((made.name, made.streams, made.attributes), ("py made", [], {"display_stacked": True}))
        made.new_stream("py.dash.cpu")
        made.new_stream("py.dash.cpu", source="web*")
        made.new_stream(composite='s("py.dash.cpu", "*")')
        made.save()
        read = self.api.get_instrument(made.id)
        self.assertEqual([one.get_payload() for one in read.streams], [one.get_payload() for one in made.streams])
        read.save()
        again = self.api.get_instrument(made.id)
        self.assertEqual(again.get_payload(), read.get_payload(), "saving what was read changes nothing")
        self.assertIn("py made", [one.name for one in self.api.list_instruments()])

        fresh = librato.instruments.Instrument(self.api, "py fresh")
        self.assertFalse(fresh.is_persisted())
        fresh.save()
        self.assertTrue(fresh.is_persisted())
        self.api.update_instrument(fresh, name="py renamed")
        self.assertEqual(self.api.get_instrument(fresh.id).name, "py renamed")

    def test_dashboards(self):
        one = self.api.create_instrument("py one", streams=[{"metric": "py.dash.cpu", "source": "*"}])
        two = self.api.create_instrument("py two")
        made = self.api.create_dashboard("py board", instruments=[{"id": one.id}])
        self.assertEqual((made.name, made.instrument_ids), ("py board", [one.id]))
        made.instrument_ids = [two.id, one.id]
        made.name = "py board of two"
        made.save()
        read = self.api.get_dashboard(made.id)
        self.assertEqual((read.name, [each.name for each in read.get_instruments()]), ("py board of two", ["py two", "py one"]))
        listed = {board.name: board.instrument_ids for board in self.api.list_dashboards(name="of two")}
        self.assertEqual(listed, {"py board of two": [two.id, one.id]})
        with self.assertRaises(NotFound):
            self.api.get_dashboard(9999)


class Alerts(Case):
    def setUp(self):
        super().setUp()
        for name in ["py.alert.cpu", "py.alert.disk", "py.alert.beat"]:
            self.api.submit(name, 1)

    def test_create_list_get_save_delete(self):
        created = self.api.create_alert("py.alert.made")
        self.assertEqual((created.name, created.version, created.active), ("py.alert.made", 2, True))
        self.assertEqual(created.rearm_seconds, 600, "null is the default of ten minutes")
        self.assertEqual((created.conditions, created.services), ([], []))

        alert = self.api.get_alert("py.alert.made")
        self.assertEqual(alert._id, created._id)
        alert.description = "the disk is busy"
        alert.attributes = {"runbook_url": "https://wiki.example.org/disk"}
        alert.add_condition_for("py.alert.cpu").above(90)
        alert.add_condition_for("py.alert.disk", "web*").below(5, "min").duration(300)
        alert.add_condition_for("py.alert.beat").stops_reporting_for(600)
        alert.save()

        alert = self.api.get_alert("py.alert.made")
        self.assertEqual(alert.description, "the disk is busy")
        self.assertEqual(alert.attributes["runbook_url"], "https://wiki.example.org/disk")
        above, below, absent = alert.conditions
        self.assertEqual((above.condition_type, above.metric_name, above.source), ("above", "py.alert.cpu", "*"))
        self.assertEqual((above.threshold, above.summary_function), (90, "average"))
        self.assertTrue(above.immediate())
        self.assertEqual((below.condition_type, below.source, below.threshold), ("below", "web*", 5))
        self.assertEqual((below.summary_function, below._duration), ("min", 300))
        self.assertEqual((absent.condition_type, absent._duration), ("absent", 600))

        # Saving what was read changes nothing.
        alert.save()
        again = self.api.get_alert("py.alert.made")
        self.assertEqual(again.get_payload(), alert.get_payload())

        self.assertIn("py.alert.made", [one.name for one in self.api.list_alerts()])
        alert.active = False
        alert.save()
        self.assertNotIn("py.alert.made", [one.name for one in self.api.list_alerts()])
        self.assertIn("py.alert.made", [one.name for one in self.api.list_alerts(active_only=False)])

        self.api.delete_alert("py.alert.made")
        self.assertIsNone(self.api.get_alert("py.alert.made"))

    def test_create_with_condition_type_and_services(self):
        # The library has no calls for services, but it can send any request.
        service = self.api._mexe(
            "services",
            method="POST",
            query_props={"type": "mail", "title": "py mail", "settings": {"addresses": "ops@example.org"}},
        )
        condition = {"condition_type": "above", "metric_name": "py.alert.cpu", "threshold": 1, "duration": 120}
        alert = self.api.create_alert("py.alert.full", conditions=[condition], services=[str(service["id"])])
        self.assertEqual([one._id for one in alert.services], [service["id"]])
        self.assertEqual([one.condition_type for one in alert.conditions], ["above"])

        alert.add_condition_for("py.alert.disk").above(5)
        alert.save()
        alert = self.api.get_alert("py.alert.full")
        self.assertEqual(len(alert.conditions), 2)
        self.assertEqual([one._id for one in alert.services], [service["id"]], "saving keeps the services")

    def test_a_condition_of_an_unknown_type_is_refused_in_words(self):
        condition = {"condition_type": "sideways", "metric_name": "py.alert.cpu", "threshold": 1}
        with self.assertRaises(BadRequest) as refused:
            self.api.create_alert("py.alert.bad", conditions=[condition])
        self.assertIn("[400] ", str(refused.exception))
        self.assertIsNone(self.api.get_alert("py.alert.bad"))


class Annotations(Case):
    def test_post_get_update_delete(self):
        start = int(time.time()) - 100
        event = self.api.post_annotation(
            "py.deploys", title="v91", source="web-1", description="all of it", start_time=start, end_time=start + 60
        )
        self.assertEqual((event["title"], event["start_time"]), ("v91", start))
        self.api.post_annotation(
            "py.deploys", title="v92", links=[{"rel": "diff", "href": "https://git.example.org/92"}]
        )

        self.assertIn("py.deploys", [stream.name for stream in self.api.list_annotation_streams()])
        stream = self.api.get_annotation_stream("py.deploys", start_time=start - 1)
        self.assertEqual(sorted(stream.events), ["unassigned", "web-1"])
        self.assertEqual(stream.events["web-1"][0]["id"], event["id"])
        self.assertEqual(stream.events["unassigned"][0]["links"][0]["rel"], "diff")

        try:
            self.api.update_annotation_stream("py.deploys", display_name="Deployments")
        except TypeError:
            pass  # The library expects a body where the API answers 204; the update has been made by then.
        self.assertEqual(self.api.get_annotation_stream("py.deploys").display_name, "Deployments")

        self.assertEqual(self.api.get_annotation("py.deploys", event["id"]).name, "py.deploys")

        self.api.delete_annotation_stream("py.deploys")
        with self.assertRaises(NotFound):
            self.api.get_annotation_stream("py.deploys")


class Access(Case):
    def test_a_wrong_token_is_unauthorized(self):
        with self.assertRaises(Unauthorized) as refused:
            connect(token="wrong").list_metrics()
        self.assertTrue(str(refused.exception).startswith("[401] "))

    def test_what_does_not_exist_is_not_found(self):
        with self.assertRaises(NotFound):
            self.api.get("py.nothing.here")


if __name__ == "__main__":
    # The library leaves its sockets to the garbage collector.
    unittest.main(verbosity=2, warnings="ignore")
