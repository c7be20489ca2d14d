# SPDX-License-Identifier: Apache-2.0
"""harness: servers that end by their pid, figures collected by step and name, and tables of them."""
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "build/bench/data"
WEIR = str(ROOT / "build/weir")
ROUNDS = int(os.environ.get("ROUNDS", "3"))
TICK_S = os.sysconf("SC_CLK_TCK")
STARTED = time.monotonic()
COMMIT = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True).stdout.strip() or "?"
running, failures, loads = {}, [], {}
figures = {}  # step -> {name: [value of each round]}


def run(*command, timeout=60):
    done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True, timeout=timeout)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


def stop(pid, after_s=10):
    process = running.pop(pid, None)
    try:
        os.kill(pid, signal.SIGTERM if process else signal.SIGKILL)  # the real ones have throw-away data
        if process:
            process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    except ProcessLookupError:
        pass


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK_S


def rss_mb(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def own_mb(pid):
    """Of the resident memory what no other process could share: not the pages of libraries and of the program itself."""
    lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")) / 1024


class Weir:
    def __init__(self, project, data, *sets):
        ready, log = DATA / "ready.json", DATA / "weir.log"
        ready.unlink(missing_ok=True)
        settings = [f"--set={part}.listen=127.0.0.1:0" for part in ("kafka", "cql", "console", "people")]
        settings += [f"--set={one}" for one in sets]
        with open(log, "w") as out:
            process = subprocess.Popen([WEIR, "up", project, "--ready", ready, f"--set=data_dir={data}", *settings],
                                       cwd=ROOT, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        self.pid = process.pid
        running[self.pid] = process
        deadline = time.monotonic() + 20
        while not ready.exists() or not ready.read_text().endswith("}\n") and time.monotonic() < deadline:
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("weir did not start: " + log.read_text()[-300:])
            time.sleep(0.01)
        self.at = json.loads(ready.read_text())["console"]
        self.log = log

    def ready_ms(self):
        deadline = time.monotonic() + 5
        while "ready in " not in self.log.read_text() and time.monotonic() < deadline:
            time.sleep(0.01)
        return float(self.log.read_text().split("ready in ")[1].split()[0])

    def check(self):
        code = running[self.pid].poll()
        if code is not None:
            raise RuntimeError(f"weir ended by itself ({code}): " + self.log.read_text()[-500:])

    def stop(self):
        stop(self.pid)

    def kill(self):
        running[self.pid].kill()
        running.pop(self.pid).wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Peer:
    """A real system, started by a script under bench/peers that prints its address, pid and version."""

    def __init__(self, script, *args):
        self.where, pid, self.version = run("bench/peers/" + script, DATA / "peer", *args, timeout=400).split()
        self.pid = int(pid)
        running[self.pid] = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        stop(self.pid)
        shutil.rmtree(DATA / "peer", ignore_errors=True)


def note(step, name, value):
    figures.setdefault(step, {}).setdefault(name, []).append(value)
    print(f"   {step}: {name} {value:.1f}", flush=True)


def figure(step, name):
    values = figures.get(step, {}).get(name)
    return statistics.median(values) if values else None


def bench(step, *words, suffix="", timeout=120):
    for name, value in json.loads(run(WEIR, "bench", *words, "--json", timeout=timeout)).items():
        note(step, name + suffix, value)


def number(value):
    if value is None:
        return "–"
    if value >= 10000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def table(out, title, ours, theirs, rows):
    """rows: (what, name, unit, factor, higher is better). Ratios say how many times better weir is."""
    out += ["", f"## {title}", "", "| | weir |" + "".join(f" {peer} | × |" for peer in theirs)]
    out.append("|---|" + "---:|" * (1 + 2 * len(theirs)))
    for what, name, unit, factor, more in rows:
        mine = figure(ours, name)
        cells = [f"{what}, {unit}", number(mine * factor if mine is not None else None)]
        for peer in theirs:
            other = figure(peer, name)
            known = mine and other
            cells += [number(other * factor if other is not None else None),
                      f"**{mine / other if more else other / mine:.1f}**" if known else "–"]
        out.append("| " + " | ".join(cells) + " |")
