"""The console in a real browser: real figures at first paint, one request and one event stream, every answer on the page."""
import gzip
import http.server
import json
import pathlib
import shutil
import subprocess
import threading

import pytest
import requests

from conftest import ROOT, wait_for

HERE = pathlib.Path(__file__).parent
OUT = ROOT / "build" / "console-test"


@pytest.fixture(scope="module")
def node_modules():
    OUT.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "look.mjs", "picture.mjs", "troubles.mjs"):
        shutil.copy(HERE / name, OUT / name)
    if not (OUT / "node_modules" / "playwright-core").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=OUT, check=True, timeout=300)
    return OUT


def test_a_person_sees_the_pipeline_run(start_weir, node_modules):
    weir = start_weir(ROOT / "examples" / "users")
    done = subprocess.run(["node", "look.mjs", f"http://{weir.at['console']}/", str(OUT)], cwd=node_modules,
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout)
    assert seen["errors"] == []
    assert seen["first_paint_nodes"] >= 5
    assert seen["people"] > 0 and seen["people_later"] > seen["people"] and seen["countries"] > 5
    text = "\n".join(seen["nodes"])
    for part in ("user_automation", "users_created", "created_users", "spark_streams.created_users"):
        assert part in text
    assert seen["edges"] >= 5
    assert "records" in seen["sentence"] and seen["tasks"] == 1
    assert seen["requests_at_first_paint"] == 2, seen["requests"]
    assert "people" in seen["log"].lower() or "records" in seen["log"].lower()
    assert json.loads(seen["message"])["country"]
    assert seen["row_cells"] >= 12
    assert seen["focusable"] and seen["overflow_400"] <= 0


class Nothing(http.server.BaseHTTPRequestHandler):
    """An API whose page holds no records."""

    def do_GET(self):
        body = b'{"results": []}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


@pytest.fixture
def troubles(tmp_path, start_weir):
    """The project of troubles, run: each of its DAGs once, an outside producer and an outside group."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Nothing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    project = tmp_path / "troubles"
    shutil.copytree(HERE / "troubles", project)
    reports = project / "dags" / "reports.yaml"
    reports.write_text(reports.read_text().replace("127.0.0.1:1/replaced-by-the-test", f"127.0.0.1:{server.server_port}/"))
    weir = start_weir(project)
    at = f"http://{weir.at['console']}"
    lines = "".join(f"k{i}:{{\"n\":{i}}}\n" for i in range(70))
    kcat = ["kcat", "-b", weir.at["kafka"], "-X", "api.version.request.timeout.ms=60000"]  # it ends when none answers in 10 s
    subprocess.run([*kcat, "-t", "outside", "-P", "-K:", "-H", "trace=abc", "-X", "enable.idempotence=true"], input=lines,
                   text=True, check=True, timeout=120)
    subprocess.run([*kcat, "-G", "outsiders", "-c", "5", "-X", "auto.offset.reset=earliest", "outside"],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, timeout=120)
    ended = {"nightly_export": "failed", "traceback": "failed", "fetched_nothing": "failed", "allowed_nothing": "success", "slow": "running"}
    for name in ended:
        assert requests.post(f"{at}/api/dags/{name}/runs", json={}, timeout=60).ok

    def settled():
        last = {dag["dag_id"]: dag["last_run"] for dag in requests.get(f"{at}/api/dags", timeout=60).json()}
        return all(last[name] and last[name]["state"] == state for name, state in ended.items())

    wait_for(settled, "the runs to end")
    wait_for(lambda: any(one["lag"] == 19 for one in requests.get(f"{at}/api/streams", timeout=60).json()), "the query to be behind")
    yield weir
    server.shutdown()
    server.server_close()


def test_troubles_are_told_in_words_and_mended_from_the_page(troubles, node_modules):
    done = subprocess.run(["node", "troubles.mjs", f"http://{troubles.at['console']}/", str(OUT)], cwd=node_modules,
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout)
    assert seen["errors"] == []
    cards = seen["cards"]
    # Did it run, why did it fail, how much went through and where to, what will run again.
    assert "Failed" in cards["nightly_export"] and "20 records" in cards["nightly_export"]
    assert "ship: exit code 3: disk quota exceeded on /srv/export" in cards["nightly_export"]
    assert "not run: a task before it failed" in cards["nightly_export"]
    assert "runs ship, then tell" in cards["nightly_export"]
    assert "#topic-orders" in seen["links"] and "#table-shop.orders" in seen["links"]
    assert "KeyError: 'today'" in cards["traceback"] and "try 2 of 2" in cards["traceback"]
    assert "fetched 0 records" in cards["fetched_nothing"]
    assert "Fetched nothing" in cards["allowed_nothing"] and "nothing" in seen["empty_run_class"].split()
    # What is it waiting for.
    assert "waits for sleep, running for" in cards["slow"]
    graph = "\n".join(seen["graph"])
    assert "outside" in graph and "ship: exit code 3" in graph and "paused" in graph
    assert any("lag 19" in label for label in seen["edges"])
    assert "19 records behind" in seen["queries"]["behind"] and seen["queries"]["bars"] == 2
    assert "'no_such_column' is not in table shop.orders" in seen["queries"]["wrong"]
    panels = "\n".join(seen["panels"])
    assert "Undefined column name nothing" in panels and "no rows yet" in panels and "the query gives no column 'age'" in panels
    assert "Traceback" in seen["log"] and "KeyError" in seen["log"]
    assert "Runs ship again for" in seen["asked"] and "then tell" in seen["asked"]
    assert "paused" in seen["paused"]
    assert "1 outside group, up to 65 behind" in seen["topic"] and "outsiders: 65 records behind" in seen["groups"]
    assert "key k42" in seen["message"] and "1 header" in seen["message"] and '"n": 42' in seen["message"]
    assert seen["survives"]
    assert "NULL" in seen["answer"] and "string" in seen["answer"].lower()
    assert "line 2" in seen["mistake"]["text"] and "\n" in seen["mistake"]["text"] and "^" in seen["mistake"]["text"]
    assert "monospace" in seen["mistake"]["font"] and seen["mistake"]["space"].startswith("pre")
    reached = seen["reached"]
    assert all(one["visible"] for one in reached if one["tag"] != "body"), [one for one in reached if not one["visible"]]
    for kind in ("button", "a", "summary"):
        assert any(one["tag"] == kind for one in reached)
    assert any(one["name"].startswith("Run again from here") for one in reached) and any("manual" in one["name"] for one in reached)
    assert seen["unnamed"] == 0 and seen["overflow_400"] <= 0 and seen["graph_scale_400"] > 0.9
    raw = requests.get(f"http://{troubles.at['console']}/api/topics/outside/messages/0/42", timeout=60)
    assert raw.content == b'{"n":42}' and raw.headers["Content-Type"] == "application/octet-stream"


def test_the_page_is_at_most_150_kb_gzipped(start_weir, empty_project):
    weir = start_weir(empty_project)
    answer = requests.get(f"http://{weir.at['console']}/", headers={"Accept-Encoding": "gzip"}, stream=True, timeout=60)
    packed = answer.raw.read(decode_content=False)
    assert b"<div id=\"app\">" in gzip.decompress(packed)
    assert len(packed) <= 150 * 1024


def test_bad_requests_get_words_and_a_status(start_weir, empty_project):
    weir = start_weir(empty_project)
    at = f"http://{weir.at['console']}"
    for method, path, body, status, words in [
        ("GET", "/nothing", None, 404, "nothing at this address"),
        ("PUT", "/api/topics", None, 405, "another method"),
        ("GET", "/api/topics/none/messages", None, 404, "there is no topic 'none'"),
        ("GET", "/api/topics/none/messages?limit=x", None, 400, "limit is 'x', expected a whole number from 1 to 1000"),
        ("POST", "/api/sql", b"{", 400, "the body must be a JSON object"),
        ("POST", "/api/sql", b"{\"sql\":\"SELEC 1\"}", 400, "SELEC"),
        ("POST", "/api/cql", b"{\"cql\":\"SELECT * FROM a.b\"}", 400, "a"),
        ("POST", "/api/dags/none/runs", b"{}", 404, "none"),
        ("POST", "/api/topics", b"{\"name\":\"bad name\"}", 400, "bad name"),
        ("POST", "/api/sql", b"x" * (5 << 20), 413, "larger than allowed"),
    ]:
        answer = requests.request(method, at + path, data=body, timeout=60)
        assert answer.status_code == status, (path, answer.text)
        assert words in answer.json()["error"], (path, answer.text)


def test_an_event_stream_tells_of_changes(start_weir, empty_project):
    weir = start_weir(empty_project)
    at = f"http://{weir.at['console']}"
    with requests.get(f"{at}/api/events", stream=True, timeout=60) as events:
        lines = events.iter_lines(decode_unicode=True)
        assert requests.post(f"{at}/api/topics", json={"name": "fresh", "partitions": 3}, timeout=60).ok
        for line in lines:
            if line.startswith("data: {") and '"fresh"' in line:
                break
    wait_for(lambda: 'kafka_topic_partitions{topic="fresh"} 3' in requests.get(f"{at}/metrics", timeout=60).text, "the metrics")
