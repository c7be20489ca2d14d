"""Apache Spark's structured streaming with its Kafka source and sink."""
import os
import pathlib
import subprocess
import sys

import packages
from versions import SPARK


def test_spark_streams_from_topic_to_topic_and_goes_on_where_it_was(at, topic, tmp_path):
    here = packages.python_packages(f"pyspark=={SPARK}")
    jars = packages.jars("spark", [f"org.apache.spark:spark-sql-kafka-0-10_2.12:{SPARK}"])
    needed = [str(jar) for jar in jars.glob("*.jar")
              if jar.name.startswith(("spark-sql-kafka", "spark-token-provider-kafka", "kafka-clients", "commons-pool2"))]
    folder = tmp_path / topic
    folder.mkdir()
    done = subprocess.run([sys.executable, str(pathlib.Path(__file__).parent / "spark_walk.py"), at, ",".join(needed), str(folder)],
                          capture_output=True, text=True, timeout=280,
                          env={**os.environ, "PYTHONPATH": str(here), "SPARK_LOCAL_IP": "127.0.0.1"})
    assert done.stdout.endswith("ok\n"), done.stdout[-1000:] + done.stderr[-5000:]
