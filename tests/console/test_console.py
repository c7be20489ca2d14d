"""The console in a real browser: real figures at first paint, one request and one event stream, every answer on the page."""
import gzip
import json
import pathlib
import shutil
import subprocess

import pytest
import requests

from conftest import ROOT, wait_for

HERE = pathlib.Path(__file__).parent
OUT = ROOT / "build" / "console-test"


@pytest.fixture(scope="module")
def node_modules():
    OUT.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "look.mjs"):
        shutil.copy(HERE / name, OUT / name)
    if not (OUT / "node_modules" / "playwright-core").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=OUT, check=True, timeout=300)
    return OUT


def test_a_person_sees_the_pipeline_run(start_weir, node_modules):
    weir = start_weir(ROOT / "examples" / "users")
    done = subprocess.run(["node", "look.mjs", f"http://{weir.at['console']}/", str(OUT)], cwd=node_modules,
                          capture_output=True, text=True, timeout=120)
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


def test_the_page_is_at_most_150_kb_gzipped(start_weir, empty_project):
    weir = start_weir(empty_project)
    answer = requests.get(f"http://{weir.at['console']}/", headers={"Accept-Encoding": "gzip"}, stream=True, timeout=10)
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
        answer = requests.request(method, at + path, data=body, timeout=10)
        assert answer.status_code == status, (path, answer.text)
        assert words in answer.json()["error"], (path, answer.text)


def test_an_event_stream_tells_of_changes(start_weir, empty_project):
    weir = start_weir(empty_project)
    at = f"http://{weir.at['console']}"
    with requests.get(f"{at}/api/events", stream=True, timeout=20) as events:
        lines = events.iter_lines(decode_unicode=True)
        assert requests.post(f"{at}/api/topics", json={"name": "fresh", "partitions": 3}, timeout=10).ok
        for line in lines:
            if line.startswith("data: {") and '"fresh"' in line:
                break
    metrics = wait_for(lambda: requests.get(f"{at}/metrics", timeout=10).text, "metrics")
    assert 'kafka_topic_partitions{topic="fresh"} 3' in metrics
