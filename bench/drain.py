"""Waits until the query bench_people has read COUNT records and prints records per second, from its own progress.
usage: drain.py CONSOLE COUNT"""
import json
import sys
import time
import urllib.request

console, count = sys.argv[1], int(sys.argv[2])
started = time.monotonic()
while True:
    stream = json.load(urllib.request.urlopen(f"http://{console}/api/streams"))[0]
    if stream["error"]:
        sys.exit(stream["error"])
    if stream["numInputRows"] >= count:
        break
    if time.monotonic() - started > 120:
        sys.exit(f"only {stream['numInputRows']} rows after two minutes")
progress = json.load(urllib.request.urlopen(f"http://{console}/api/streams/bench_people/progress?limit=1000"))
busy_ms = sum(batch["durationMs"]["triggerExecution"] for batch in progress)
print(round(sum(batch["numInputRows"] for batch in progress) / busy_ms * 1000))
