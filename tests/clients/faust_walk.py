"""Faust counts words into a table whose changelog is a topic; a second worker, which has nothing in memory, goes on from the changelog.
usage: faust_walk.py HOST:PORT NAME WORKER (1, then 2)"""
import os
import signal
import sys

import faust

broker, name, worker = sys.argv[1:]
app = faust.App(name, broker=f"kafka://{broker}", value_serializer="raw", web_enabled=False, store="memory://", topic_partitions=2,
                broker_commit_interval=0.2, consumer_auto_offset_reset="earliest")
lines = app.topic(name + "-lines", partitions=2, key_type=bytes, value_type=bytes)
counts = app.Table(name + "-counts", default=int, partitions=2, key_type=str, value_type=int)


def word(line):
    return line.decode().split()[0]


@app.agent(lines)
async def count(stream):
    async for line in stream.group_by(word, name="word", partitions=2):
        counts[word(line)] += 1


@app.task
async def write():
    for n in range(100):
        await lines.send(key=b"%d" % n, value=b"w%d %d" % (n % 10, n))


@app.timer(0.1)
async def look():
    got = dict(counts.items())
    if all(got.get(f"w{n}", 0) >= 10 * int(worker) for n in range(10)):
        sys.__stdout__.write("ok\n")
        sys.__stdout__.flush()
        os.kill(os.getpid(), signal.SIGTERM)


faust.Worker(app, loglevel="WARN", redirect_stdouts=False).execute_from_commandline()
