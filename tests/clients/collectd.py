"""Drives a server with an unmodified collectd 5.12 from Debian: the real daemon with its write_http plugin.

Run by tests/witnesses/conformance.rs, which says where the server is (CONFORMANCE_HOST, LIBRATO_USER, LIBRATO_TOKEN), how
docs/emitters.md sets the plugin up (CONFORMANCE_SNIPPET) and where the daemon was unpacked (COLLECTD_ROOT).
"""

import base64
import glob
import json
import os
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = os.environ["COLLECTD_ROOT"]
SERVER = "http://" + os.environ["CONFORMANCE_HOST"]
USER, TOKEN = os.environ["LIBRATO_USER"], os.environ["LIBRATO_TOKEN"]

CONFIG = """
Hostname "web-1"
FQDNLookup false
BaseDir "{directory}"
PIDFile "{directory}/pid"
PluginDir "{root}/usr/lib/collectd"
TypesDB "{root}/usr/share/collectd/types.db"
Interval 1
LoadPlugin load
LoadPlugin cpu
LoadPlugin logfile
<Plugin logfile>
  File stdout
</Plugin>
{shown}
"""


def get(path):
    request = urllib.request.Request(SERVER + path)
    request.add_header("Authorization", "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode())
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError:
        return None


class Collectd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        path = os.path.join(cls.directory.name, "collectd.conf")
        with open(os.environ["CONFORMANCE_SNIPPET"]) as shown, open(path, "w") as config:
            config.write(CONFIG.format(directory=cls.directory.name, root=ROOT, shown=shown.read()))
        libraries = ":".join(glob.glob(ROOT + "/usr/lib/*-linux-gnu*"))
        cls.daemon = subprocess.Popen(
            [ROOT + "/usr/sbin/collectd", "-f", "-C", path],
            env={**os.environ, "LD_LIBRARY_PATH": libraries},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @classmethod
    def tearDownClass(cls):
        cls.daemon.terminate()
        said, _ = cls.daemon.communicate()
        cls.directory.cleanup()
        assert "HTTP Error" not in said, said

    def data(self, name):
        """The metric with its data, once the server has it."""
        for _ in range(300):
            self.assertIsNone(self.daemon.poll(), "the daemon ended")
            found = get(f"/v1/metrics/{name}?count=1&resolution=1")
            if found and found["measurements"].get("web-1"):
                return found
            time.sleep(0.1)
        self.fail(name + " never came")

    def test_several_values_of_one_type(self):
        for name in ["shortterm", "midterm", "longterm"]:
            metric = self.data("load.load." + name)
            self.assertEqual(metric["type"], "gauge")
            self.assertGreaterEqual(metric["measurements"]["web-1"][0]["value"], 0)

    def test_a_derive_is_a_counter(self):
        self.assertEqual(self.data("cpu.0.cpu.user")["type"], "counter")

    def test_the_time_is_that_of_the_daemon(self):
        (point,) = self.data("load.load.shortterm")["measurements"]["web-1"]
        self.assertLess(abs(point["measure_time"] - time.time()), 60)


if __name__ == "__main__":
    unittest.main(verbosity=2)
