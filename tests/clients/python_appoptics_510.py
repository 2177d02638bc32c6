"""Drives a server with an unmodified appoptics-metrics 5.1.0, the successor of python-librato, the way its users do.

Run by tests/witnesses/conformance.rs, which says where the server is (CONFORMANCE_HOST, APPOPTICS_TOKEN).
"""

import os
import time
import unittest

import appoptics_metrics
from appoptics_metrics.aggregator import Aggregator
from appoptics_metrics.exceptions import BadRequest, NotFound, Unauthorized


def connect(token=None, **more):
    # Without a token of its own it takes that of the environment; the user is always called `token`.
    return appoptics_metrics.connect(
        token, hostname=os.environ["CONFORMANCE_HOST"], base_path="/v1/", protocol="http", **more
    )


class Case(unittest.TestCase):
    def setUp(self):
        self.api = connect()

        # Above 4xx the library waits and tries again for ever; a test would rather fail.
        def give_up(_):
            raise AssertionError("the server answered with a 5xx status")

        self.api.backoff_logic = give_up


class Metrics(Case):
    def test_create_get_update_list_delete(self):
        self.api.create_metric("ao.made", display_name="Made", period=60)
        metric = self.api.get_metric("ao.made")
        self.assertEqual((metric.name, metric.period), ("ao.made", 60))
        self.api.update_metric("ao.made", attributes={"color": "#52D74C"})
        self.assertEqual(self.api.get_metric("ao.made").attributes["color"], "#52D74C")
        self.assertIn("ao.made", [one.name for one in self.api.list_metrics(name="ao.")])
        self.api.delete_metric("ao.made")
        with self.assertRaises(NotFound):
            self.api.get_metric("ao.made")

    def test_submit_and_get_measurements(self):
        self.api.submit_measurement("ao.sent", 65, tags={"city": "sf"})
        connect(tags={"city": "eu"}).submit("ao.sent", 70)
        answer = self.api.get_measurements("ao.sent", duration=600)
        values = {one["tags"]["city"]: one["measurements"][0]["value"] for one in answer["series"]}
        self.assertEqual(values, {"sf": 65, "eu": 70})
        self.api.delete_metric(["ao.sent", "ao.never.there"])

    def test_queue_and_aggregator(self):
        with self.api.new_queue(tags={"region": "eu"}) as queue:
            for number in range(301):
                queue.add("ao.queued", number, tags={"n": str(number % 2)})
            aggregator = Aggregator(self.api, tags={"host": "web-1"}, period=60)
            for value in [1, 2, 3]:
                aggregator.add_tagged("ao.aggregated", value)
            queue.add_aggregator(aggregator)
        answer = self.api.get_measurements("ao.queued", duration=600, summary_function="count", resolution=60)
        self.assertEqual(sum(point["value"] for one in answer["series"] for point in one["measurements"]), 301)
        answer = self.api.get_measurements("ao.aggregated", duration=600, summary_function="all")
        (point,) = answer["series"][0]["measurements"]
        self.assertEqual((point["count"], point["sum"], point["min"], point["max"]), (3, 6, 1, 3))

    def test_bad_names_are_refused(self):
        with self.assertRaises(BadRequest):
            self.api.submit("ao bad", 1, tags={"a": "b"})

    def test_get_composite(self):
        self.api.submit("ao.part", 2, tags={"a": "b"})
        answer = self.api.get_composite_tagged('s("ao.part","*")', start_time=int(time.time()) - 600)
        self.assertEqual(answer["series"][0]["measurements"][0]["value"], 2)


class Definitions(Case):
    def test_alerts(self):
        alert = self.api.create_alert("ao.alert", rearm_per_signal=True)
        alert.add_condition_for("ao.cpu").above(90).duration(300)
        alert.save()
        read = self.api.get_alert("ao.alert")
        self.assertEqual([one.threshold for one in read.conditions], [90])
        self.assertIs(read.rearm_per_signal, True)
        self.assertIn("ao.alert", [one.name for one in self.api.list_alerts()])
        self.api.delete_alert("ao.alert")
        self.assertIsNone(self.api.get_alert("ao.alert"))

    def test_annotations(self):
        start = int(time.time()) - 100
        event = self.api.post_annotation("ao.deploys", title="v91", source="web-1", start_time=start)
        self.assertEqual(self.api.get_annotation_stream("ao.deploys", start_time=start).events["web-1"][0]["id"], event["id"])
        self.assertEqual(self.api.update_annotation_stream("ao.deploys", display_name="Deploys").display_name, "Deploys")
        self.api.delete_annotation_stream("ao.deploys")

    def test_spaces_and_charts(self):
        space = self.api.create_space("AO Space")
        chart = self.api.create_chart("cpu", space, streams=[{"metric": "ao.cpu", "tags": [{"name": "host", "grouped": True}]}])
        self.assertEqual(self.api.find_chart("CPU", self.api.find_space("ao space")).id, chart.id)
        self.assertEqual(len(self.api.list_charts_in_space(space)), 1)
        chart.delete()
        space.delete()
        with self.assertRaises(NotFound):
            self.api.get_space(space.id)


class Access(Case):
    def test_a_wrong_token_is_unauthorized(self):
        with self.assertRaises(Unauthorized):
            list(connect("wrong").list_metrics())


if __name__ == "__main__":
    # The library leaves its sockets to the garbage collector.
    unittest.main(verbosity=2, warnings="ignore")
