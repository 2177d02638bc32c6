#!/usr/bin/env python3
"""Writes a data file with a program as it is now, and what it must answer, for later versions to be held against.

    tests/files/make.py PROGRAM NAME      makes tests/files/NAME.db and tests/files/NAME.json

Only what the API documents is used, so that it runs with any version. Needs Python alone."""

import base64, json, os, pathlib, re, signal, sqlite3, subprocess, sys, tempfile, time, urllib.error, urllib.request

PROGRAM, NAME = sys.argv[1:3]
HERE = pathlib.Path(__file__).parent
USER, TOKEN = "ops@example.org", "token-of-a-test"
DAY = 86_400


class Server:
    """The program over one file, until it is stopped or killed."""

    def __init__(self, data):
        command = [PROGRAM, "serve", "--listen", "127.0.0.1:0", "--user", USER, "--color", "never", "--data", data]
        self.process = subprocess.Popen(command, env={**os.environ, "LIBRATO_TOKEN": TOKEN}, stderr=subprocess.PIPE, text=True)
        while not (found := re.search(r"listening on (http://\S+)", self.process.stderr.readline())):
            pass
        self.url = found.group(1)

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method, data=body and json.dumps(body).encode())
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode())
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refused:
            self.end(signal.SIGKILL)
            sys.exit(f"{method} {path}: {refused.code} {refused.read().decode()}")

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait()


def define(server):
    """Some of everything."""
    post = lambda path, body: server.call("POST", path, body)
    mail = post("/v1/services", {"type": "mail", "title": "mail ops", "settings": {"addresses": "ops@example.org"}})
    slack = post("/v1/services", {"type": "slack", "title": "slack ops", "settings": {"url": "https://hooks.example.org/T/B/x"}})
    server.call("PUT", "/v1/metrics/web.ms", {"type": "gauge", "display_name": "Time", "description": "of a request; 時間", "period": 60, "attributes": {"display_units_long": "milliseconds", "color": "#a0b0c0", "display_min": 0}})
    server.call("PUT", "/v1/metrics/web.hits", {"type": "counter", "period": 60})
    server.call("PUT", "/v1/metrics/web.late", {"type": "composite", "composite": 'mean(s("web.ms", "*"))', "display_name": "Mean of all"})
    post("/v1/alerts", {
        "name": "web.slow", "description": "slow", "rearm_seconds": 1200, "attributes": {"runbook_url": "https://example.org/slow"},
        "conditions": [
            {"type": "above", "metric_name": "web.ms", "source": "*", "threshold": 250.5, "summary_function": "average", "duration": 300},
            {"type": "absent", "metric_name": "web.hits", "source": "web-*", "duration": 600},
        ],
        "services": [mail["id"], slack["id"]],
    })
    post("/v1/alerts", {
        "name": "cpu.high", "active": False, "md": True,
        "conditions": [{"type": "above", "metric_name": "cpu", "threshold": 90, "tags": [{"name": "region", "values": ["eu", "us"]}]}],
    })
    event = post("/v1/annotations/deploys", {"title": "v91", "source": "web-1", "description": "by hand", "start_time": T0 - 5 * DAY, "end_time": T0 - 5 * DAY + 60, "links": [{"rel": "github", "href": "https://example.org/v91", "label": "v91"}]})
    post("/v1/annotations/deploys", {"title": "v92", "start_time": T0 - 2 * DAY})
    server.call("PUT", "/v1/annotations/deploys", {"display_name": "Deployments"})
    space = post("/v1/spaces", {"name": "Web"})
    post(f"/v1/spaces/{space['id']}/charts", {"name": "Times", "type": "line", "streams": [{"metric": "web.ms", "source": "*", "group_function": "average", "summary_function": "max"}, {"composite": 's("web.hits", "*")'}]})
    post(f"/v1/spaces/{space['id']}/charts", {"name": "Now", "type": "bignumber", "streams": [{"metric": "cpu", "tags": [{"name": "region", "values": ["eu"]}]}]})
    instrument = post("/v1/instruments", {"name": "old", "streams": [{"metric": "web.ms", "source": "*"}], "attributes": {"display_stacked": True}})
    post("/v1/dashboards", {"name": "older", "instruments": [instrument["id"]]})
    server.call("PUT", "/v1/sources/web-1", {"display_name": "First"})
    post("/v1/api_tokens", {"name": "emitter", "role": "recorder"})


def submit(server, ages, count, step):
    """`count` points, `step` seconds apart, each so old at most: in both dialects, values and summaries."""
    for age in ages:
        first = T0 - age
        times = [first + step * n for n in range(count)]
        gauges = [{"name": "web.ms", "source": f"web-{s}", "measure_time": t, "value": 100 * s + n * 0.25} for n, t in enumerate(times) for s in (1, 2)]
        gauges += [{"name": "web.ms", "measure_time": t, "count": 4, "sum": 10 + n, "min": 1, "max": 7.5, "sum_squares": 60 + n * n} for n, t in enumerate(times)]
        server.call("POST", "/v1/metrics", {"gauges": gauges, "counters": [{"name": "web.hits", "source": "web-1", "measure_time": t, "value": n} for n, t in enumerate(times)]})
        tagged = [{"name": "cpu", "time": t, "value": n % 7, "tags": {"region": r, "host": f"{r}-1"}} for n, t in enumerate(times) for r in ("eu", "us")]
        tagged += [{"name": "cpu", "time": t, "sum": 30, "count": 3, "min": 5, "max": 20, "last": 6, "stddev": 1.5, "tags": {"region": "ap"}} for t in times]
        server.call("POST", "/v1/measurements", {"measurements": tagged})


def questions():
    """What is asked, as the API is asked: definitions, and every series at every resolution at which it is kept."""
    asked = ["/v1/metrics", "/v1/metrics/web.ms", "/v1/services", "/v1/alerts", "/v1/alerts/web.slow", "/v1/annotations",
             f"/v1/annotations/deploys?start_time={T0 - 30 * DAY}", "/v1/spaces", "/v1/spaces/1/charts", "/v1/instruments", "/v1/dashboards", "/v1/sources"]
    for age, resolution in ((DAY, 1), (6 * DAY, 60), (30 * DAY, 900), (300 * DAY, 3600)):
        span = f"start_time={T0 - age}&end_time={T0 + 60}&resolution={resolution}"
        asked += [f"/v1/metrics/{name}?{span}" for name in ("web.ms", "web.hits")]
        asked += [f"/v1/measurements/cpu?{span}"] + [f"/v1/measurements/cpu?{span}&summary_function={f}" for f in ("count", "sum")]
        asked += [f"/v1/metrics/web.late?{span}"]
    return asked


T0 = int(time.time())
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "a.db")
    server = Server(path)
    define(server)
    # raw, minutes, quarters of an hour, hours; the second of raw lies over a boundary of blocks
    submit(server, [3 * 3600, 20 * 3600], 8, 300)
    submit(server, [5 * DAY], 9, 20)
    submit(server, [20 * DAY], 9, 300)
    submit(server, [100 * DAY, 250 * DAY], 8, 1200)
    server.end(signal.SIGTERM)  # closing packs the journal into pages
    server = Server(path)
    submit(server, [600], 6, 15)
    expected = {path: server.call("GET", path) for path in questions()}
    server.end(signal.SIGKILL)  # what came last stays in the journal
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        schema = file.execute("PRAGMA user_version").fetchone()[0]
        counts = {table: file.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("journal", "blocks", "pages", "series", "metrics", "alerts")}
        counts["resolutions"] = [row[0] for row in file.execute("SELECT resolution FROM blocks UNION SELECT tier FROM pages ORDER BY 1")]
    file.close()
    (HERE / f"{NAME}.db").write_bytes(pathlib.Path(path).read_bytes())
document = {"made_at": T0, "schema": schema, "counts": counts, "answers": expected}
lines = ",\n".join(f"{json.dumps(path)}: {json.dumps(answer, ensure_ascii=False)}" for path, answer in expected.items())
head = json.dumps({key: document[key] for key in ("made_at", "schema", "counts")}, indent=1)
(HERE / f"{NAME}.json").write_text(head.removesuffix("\n}") + ',\n"answers": {\n' + lines + "\n}}\n")
print(document["counts"], (HERE / f"{NAME}.db").stat().st_size, (HERE / f"{NAME}.json").stat().st_size)
