"""Apache Flink's Kafka source and exactly-once sink, in a cluster inside one JVM."""
import subprocess

import pytest

import packages
from test_java import HERE
from versions import FLINK


@pytest.mark.parametrize("strategy", ["INCREMENTING", "POOLING"])
def test_flink_carries_each_record_once_over_a_savepoint_and_a_cancelled_job(at, tmp_path, strategy):
    libs = packages.jars("flink", FLINK)
    own = packages.classes("flink", libs, [HERE / "Walk.java", HERE / "FlinkWalk.java"])
    opens = [f"--add-opens=java.base/java.{one}=ALL-UNNAMED" for one in ("lang", "util")]
    done = subprocess.run(["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m", *opens, "-cp", f"{own}:{libs}/*",
                           "FlinkWalk", at, strategy, str(tmp_path)], capture_output=True, text=True, timeout=280)
    assert done.stdout.endswith("ok\n"), done.stdout[-2000:] + done.stderr[-6000:]
