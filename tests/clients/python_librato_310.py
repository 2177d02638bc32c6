"""Drives a server with an unmodified python-librato 3.1.0, the way its users do.

Run by tests/witnesses/conformance.rs, which says where the server is (CONFORMANCE_HOST, LIBRATO_USER, LIBRATO_TOKEN).
"""

import os
import time
import unittest

import librato
from librato.aggregator import Aggregator
from librato.alerts import Condition
from librato.exceptions import BadRequest, NotFound, Unauthorized


def connect(token=None, **more):
    return librato.connect(
        os.environ["LIBRATO_USER"],
        token or os.environ["LIBRATO_TOKEN"],
        hostname=os.environ["CONFORMANCE_HOST"],
        base_path="/v1/",
        protocol="http",
        **more,
    )


class Case(unittest.TestCase):
    def setUp(self):
        self.api = connect()

        # Above 4xx the library waits and tries again for ever; a test would rather fail.
        def give_up(_):
            raise AssertionError("the server answered with a 5xx status")

        self.api.backoff_logic = give_up

    def values(self, name, **query):
        """The values of every stream of a metric, by its tags."""
        answer = self.api.get_tagged(name, duration=600, **query)
        return {
            tuple(sorted(stream["tags"].items())): [point["value"] for point in stream["measurements"]]
            for stream in answer["series"]
        }


class Tagged(Case):
    def test_submit_and_get(self):
        self.api.submit("py3.tagged", 65, tags={"Region": "us-east-1", "az": "a"})
        self.api.submit("py3.tagged", 70, tags={"region": "us-west-1", "az": "b"})
        self.assertEqual(
            self.values("py3.tagged"),
            {(("az", "a"), ("region", "us-east-1")): [65], (("az", "b"), ("region", "us-west-1")): [70]},
        )
        for tags, expected in [({"region": "us-east*"}, [65]), ({"az": ["b", "c"]}, [70])]:
            self.assertEqual(list(self.values("py3.tagged", tags=tags).values()), [expected])
        merged = self.values("py3.tagged", group_by="*", group_by_function="sum", resolution=60)
        self.assertEqual(sum(map(sum, merged.values())), 135)
        self.assertEqual(self.api.get_measurements("py3.tagged", duration=600)["name"], "py3.tagged")

    def test_tags_of_the_connection(self):
        api = connect(tags={"shard": "shard1"})
        api.submit("py3.shared", 1)
        api.submit("py3.shared", 2, tags={"own": "x"}, inherit_tags=True)
        api.submit("py3.shared", 3, tags={"own": "y"})
        self.assertEqual(
            self.values("py3.shared"),
            {(("shard", "shard1"),): [1], (("own", "x"), ("shard", "shard1")): [2], (("own", "y"),): [3]},
        )

    def test_queue_of_more_than_one_request(self):
        queue = self.api.new_queue(tags={"region": "eu"})
        for number in range(301):
            queue.add_tagged("py3.queue", number, tags={"n": str(number % 2)})
        queue.submit()
        answer = self.api.get_tagged("py3.queue", duration=600, summary_function="count", resolution=60)
        count = sum(point["value"] for stream in answer["series"] for point in stream["measurements"])
        self.assertEqual(count, 301)

    def test_queue_of_both_kinds(self):
        with self.api.new_queue() as queue:
            queue.add("py3.plain", 1, source="web-1")
            queue.add_tagged("py3.with.tags", 2, tags={"a": "b"})
        self.assertEqual(self.api.get("py3.plain").name, "py3.plain")
        self.assertEqual(list(self.values("py3.with.tags").values()), [[2]])

    def test_aggregator(self):
        aggregator = Aggregator(self.api, tags={"host": "web-1"}, period=60)
        for value in [1, 2, 3]:
            aggregator.add_tagged("py3.aggregated", value)
        aggregator.submit()
        answer = self.api.get_tagged("py3.aggregated", duration=600, summary_function="all")
        (point,) = answer["series"][0]["measurements"]
        self.assertEqual((point["count"], point["sum"], point["min"], point["max"]), (3, 6, 1, 3))

    def test_composites(self):
        minute = int(time.time()) // 60 * 60 - 300
        for host, value in [("a", 10), ("b", 32)]:
            self.api.submit("py3.composed", value, tags={"host": host}, time=minute)
        compose = 'sum(s("py3.composed", {"host": "*"}, {"period": "60"}))'
        for read in [
            self.api.get_composite_tagged(compose, start_time=minute - 60, resolution=60),
            self.api.get_tagged("", compose=compose, start_time=minute - 60, resolution=60),
        ]:
            self.assertEqual(read["compose"], compose)
            (series,) = read["series"]
            self.assertEqual(series["measurements"], [{"time": minute, "value": 42.0}])
        self.api.create_composite("py3.total", compose)
        read = self.api.get_tagged("py3.total", start_time=minute - 60, resolution=60)
        self.assertEqual([point["value"] for point in read["series"][0]["measurements"]], [42.0])
        with self.assertRaises(BadRequest):
            self.api.get_composite_tagged('sum(s("py3', start_time=minute)

    def test_what_has_no_tags_is_refused(self):
        with self.assertRaises(BadRequest):
            self.api.submit_tagged("py3.bare", 1)
        with self.assertRaises(NotFound):
            self.api.get_tagged("py3.bare", duration=60)


class Metrics(Case):
    def test_version_is_the_one_we_mean(self):
        self.assertEqual(librato.__version__, "3.1.0")

    def test_submit_get_update_delete(self):
        self.api.submit("py3.gauge", 42, source="web-1", period=60)
        gauge = self.api.get("py3.gauge", count=1, resolution=1)
        self.assertEqual(gauge.measurements["web-1"][0]["value"], 42)
        attributes = gauge.attributes
        attributes["color"] = "#52D74C"
        self.api.update("py3.gauge", attributes=attributes)
        self.assertEqual(self.api.get("py3.gauge")["color"], "#52D74C")
        self.api.delete("py3.gauge")
        with self.assertRaises(NotFound):
            self.api.get("py3.gauge")

    def test_every_page(self):
        wanted = ["py3.page.%03d" % number for number in range(7)]
        with self.api.new_queue() as queue:
            for name in wanted:
                queue.add(name, 1)
        listed = self.api.list_all_metrics(name="py3.page.", length=3)
        self.assertEqual(sorted(metric.name for metric in listed), wanted)
        self.assertEqual(len(list(self.api.list_metrics(name="py3.page."))), 7)
        self.api.delete(wanted)
        self.assertEqual(list(self.api.list_metrics(name="py3.page.")), [])

    def test_create_composite(self):
        self.api.create_composite("py3.composite", 'sum(s("py3.of","*"))')
        self.assertIn("py3.composite", [metric.name for metric in self.api.list_metrics(name="py3.comp")])


class Alerts(Case):
    def test_create_save_list_delete(self):
        self.api.submit("py3.alert.cpu", 1, tags={"a": "b"})
        alert = self.api.create_alert("py3.alert.made")
        alert.add_condition_for("py3.alert.cpu").above(90).duration(300)
        tags = [{"name": "env", "values": ["prod"]}]
        alert.conditions.append(Condition("py3.alert.cpu", tags=tags).below(5, "min"))
        alert.save()
        read = self.api.get_alert("py3.alert.made")
        self.assertEqual([one.condition_type for one in read.conditions], ["above", "below"])
        self.assertEqual((read.conditions[0].threshold, read.conditions[0]._duration), (90, 300))
        self.assertEqual(read.md, False)
        read.save()
        self.assertEqual(self.api.get_alert("py3.alert.made").get_payload(), read.get_payload())
        self.assertIn("py3.alert.made", [one.name for one in self.api.list_alerts()])
        self.api.delete_alert("py3.alert.made")
        self.assertIsNone(self.api.get_alert("py3.alert.made"))

    def test_an_alert_that_fires(self):
        alert = self.api.create_alert("py3.alert.fires")
        alert.add_condition_for("py3.alert.ms", "web-*").above(10)
        alert.save()
        # Conditions that an alert gets by a change count from the next second.
        time.sleep(1.1)
        self.api.submit("py3.alert.ms", 11, source="web-1")

        # The library reads all answers alike, and has no methods of its own for these.
        def status():
            return self.api._mexe("alerts/%d/status" % alert._id)

        until = time.time() + 60
        while status()["status"] == "ok" and time.time() < until:
            time.sleep(0.1)
        self.assertEqual(status(), {"alert": {"id": alert._id}, "status": "triggered"})
        (firing,) = self.api._mexe("alerts/status")["firing"]
        self.assertEqual(firing, {"id": alert._id, "triggered_at": firing["triggered_at"]})
        self.assertAlmostEqual(firing["triggered_at"], time.time(), delta=120)

        # What is saved again, with conditions whose ids the library drops, is the same alert.
        found = self.api.get_alert("py3.alert.fires")
        found.description = "slow"
        found.save()
        self.assertEqual(status()["status"], "triggered")
        self.assertEqual(self.api._mexe("alerts/status")["firing"], [firing])
        self.api.delete_alert("py3.alert.fires")
        self.assertEqual(self.api._mexe("alerts/status"), {"firing": [], "cleared": []})

    def test_services_are_listed(self):
        settings = {"addresses": "ops@example.org"}
        made = self.api._mexe(
            "services", method="POST", query_props={"type": "mail", "title": "py3 mail", "settings": settings}
        )
        found = [service for service in self.api.list_services() if service._id == made["id"]]
        self.assertEqual([(one.type, one.title, one.settings) for one in found], [("mail", "py3 mail", settings)])
        alert = self.api.create_alert("py3.alert.served", services=[made["id"]])
        self.assertEqual([service._id for service in alert.services], [made["id"]])


class Annotations(Case):
    def test_post_get_update_delete(self):
        start = int(time.time()) - 100
        event = self.api.post_annotation("py3.deploys", title="v91", source="web-1", start_time=start)
        self.assertIn("py3.deploys", [stream.name for stream in self.api.list_annotation_streams()])
        stream = self.api.get_annotation_stream("py3.deploys", start_time=start - 1)
        self.assertEqual(stream.events["web-1"][0]["id"], event["id"])
        self.assertEqual(self.api.get_annotation("py3.deploys", event["id"]).name, "py3.deploys")
        self.api.delete_annotation_stream("py3.deploys")
        with self.assertRaises(NotFound):
            self.api.get_annotation_stream("py3.deploys")


class Spaces(Case):
    def setUp(self):
        super().setUp()
        self.api.submit("py3.charted", 1, source="web-1")

    def test_space_find_rename_delete(self):
        space = self.api.create_space("Py3 Space")
        self.assertEqual(self.api.find_space("py3 space").id, space.id)
        self.assertIn("Py3 Space", [one.name for one in self.api.list_spaces()])
        space.rename("Py3 Renamed")
        self.assertEqual(self.api.get_space(space.id).name, "Py3 Renamed")
        self.assertIsNone(self.api.find_space("Py3 Space"))
        space.delete()
        with self.assertRaises(NotFound):
            self.api.get_space(space.id)

    def test_charts_of_every_type(self):
        space = self.api.create_space("Py3 Charts")
        line = space.add_line_chart("line", streams=[{"metric": "py3.charted", "source": "*"}])
        stacked = space.add_single_stacked_chart("stacked", "py3.charted")
        number = space.add_bignumber_chart("number", "py3.charted")
        charts = {chart.name: chart for chart in space.charts()}
        self.assertEqual({name: chart.type for name, chart in charts.items()}, {"line": "line", "stacked": "stacked", "number": "bignumber"})
        self.assertEqual(charts["number"].use_last_value, True)
        self.assertEqual([stream.metric for stream in charts["line"].streams], ["py3.charted"])
        line.rename("renamed")
        line.new_stream(metric="py3.charted", source="web*")
        line.save()
        read = self.api.get_chart(line.id, space.id)
        self.assertEqual((read.name, len(read.streams)), ("renamed", 2))
        self.assertEqual(self.api.find_chart("STACKED", space).id, stacked.id)
        number.delete()
        self.assertEqual(len(self.api.list_charts_in_space(space)), 2)


class Access(Case):
    def test_a_wrong_token_is_unauthorized(self):
        with self.assertRaises(Unauthorized):
            list(connect(token="wrong").list_metrics())


if __name__ == "__main__":
    # The library leaves its sockets to the garbage collector.
    unittest.main(verbosity=2, warnings="ignore")
