"""examples/users end to end with unmodified clients: what the README promises."""
import json
import subprocess
import uuid

import requests
from confluent_kafka import Consumer
from kafka import KafkaConsumer

from conftest import ROOT, cql_session, wait_for


def test_one_record_goes_all_the_way_within_seconds_of_the_start(start_weir):
    weir = start_weir(ROOT / "examples" / "users")
    session = cql_session(weir, "spark_streams")
    wait_for(lambda: session.execute("SELECT count(*) FROM created_users").one()[0] >= 100, "100 people in the table")

    kcat = subprocess.run(["kcat", "-b", weir.at["kafka"], "-t", "users_created", "-C", "-c", "5", "-e", "-q", "-m", "60",
                           "-X", "api.version.request.timeout.ms=60000"],  # its own patience is 5 s, 10 s to connect
                          capture_output=True, text=True, timeout=120)
    people = [json.loads(line) for line in kcat.stdout.splitlines()]
    assert len(people) == 5 and all(person["id"] and person["country"] for person in people), kcat.stderr

    consumer = KafkaConsumer("users_created", bootstrap_servers=weir.at["kafka"], auto_offset_reset="earliest",
                             group_id="reader", consumer_timeout_ms=60000,
                             api_version_auto_timeout_ms=60000)  # its own patience is 2 s
    first = next(consumer)
    consumer.close()
    assert json.loads(first.value)["id"] == first.key.decode()

    confluent = Consumer({"bootstrap.servers": weir.at["kafka"], "group.id": "second", "auto.offset.reset": "earliest"})
    confluent.subscribe(["users_created"])
    message = wait_for(lambda: next((one for one in [confluent.poll(1.0)] if one and not one.error()), None),
                       "a message by confluent-kafka")
    assert json.loads(message.value())["id"]
    confluent.close()

    row = wait_for(lambda: session.execute("SELECT * FROM created_users WHERE id = %s", [uuid.UUID(people[0]["id"])]).one(), "the row")
    assert (row.first_name, row.country, row.age) == (people[0]["first_name"], people[0]["country"], people[0]["age"])

    host, port = weir.at["cql"].rsplit(":", 1)
    cqlsh = subprocess.run([str(ROOT / "build" / "venv" / "bin" / "cqlsh"), host, port, "--connect-timeout=60", "--request-timeout=60",
                            "-e", "SELECT count(*) FROM spark_streams.created_users"], capture_output=True, text=True, timeout=120)
    assert cqlsh.returncode == 0 and "count" in cqlsh.stdout, cqlsh.stderr

    assert len(requests.get(f"http://{weir.at['people']}/api/?results=3&seed=a", timeout=60).json()["results"]) == 3
    metrics = requests.get(f"http://{weir.at['console']}/metrics", timeout=60).text
    assert 'kafka_topic_partition_current_offset{partition="0",topic="users_created"}' in metrics
    assert "weir_stream_rows_in_total" in metrics


def test_the_aggregates_agree_with_the_rows(start_weir):
    weir = start_weir(ROOT / "examples" / "users")
    session = cql_session(weir, "spark_streams")
    wait_for(lambda: session.execute("SELECT count(*) FROM created_users").one()[0] >= 200, "200 people")
    runs = json.loads(weir.cli("dags", "runs", "user_automation", "--json").stdout)
    oldest = runs[-1]  # midnight brings another, queued at first
    assert oldest["state"] in ("running", "success") and oldest["run_type"] == "scheduled"
    assert weir.cli("dags", "pause", "user_automation").returncode == 0
    session.default_fetch_size = 1000

    def settled():
        people = list(session.execute("SELECT id, country, gender FROM created_users"))
        by_country = {row.country: (row.people, row.women) for row in session.execute("SELECT * FROM population_by_country")}
        expected = {}
        for person in people:
            count, women = expected.get(person.country, (0, 0))
            expected[person.country] = (count + 1, women + (person.gender == "female"))
        ages = sum(row.people for row in session.execute("SELECT people FROM population_by_age"))
        cities = sum(row.people for row in session.execute("SELECT people FROM population_by_city"))
        return by_country == expected and ages == cities == len(people)

    wait_for(settled, "the aggregates to agree", 180)  # the run ends after a minute


def test_the_command_line_answers(start_weir):
    weir = start_weir(ROOT / "examples" / "users")
    wait_for(lambda: "users_created" in weir.cli("topics").stdout, "the topic")
    for words, expected in [(["topics"], "users_created"), (["topics", "describe", "users_created"], "PARTITION"),
                            (["groups"], "weir-stream-created_users"), (["dags"], "user_automation"),
                            (["streams"], "population_by_country"), (["tables"], "created_users"),
                            (["tables", "describe", "spark_streams.created_users"], "uuid"),
                            (["sql", "SELECT 1 + 1 AS two"], "two"), (["cql", "SELECT key FROM system.local"], "local"),
                            (["sql", "SELECT count(*) AS n FROM users_created"], "n")]:
        wait_for(lambda: expected in weir.cli(*words).stdout, f"weir {' '.join(words)} to tell of {expected}")
        done = weir.cli(*words)
        assert done.returncode == 0 and expected in done.stdout, (words, done.stdout, done.stderr)
        as_json = weir.cli(*words, "--json")
        assert json.loads(as_json.stdout), words
    done = weir.cli("sql", "SELECT nope FROM users_created")
    assert done.returncode == 1 and "nope" in done.stderr
    done = weir.cli("produce", "lines", input="one\ntwo\nthree\n")
    assert done.returncode == 0, done.stderr
    assert weir.cli("consume", "lines").stdout == "one\ntwo\nthree\n"
    assert weir.cli("consume", "lines", "--from", "1", "--count", "1").stdout == "two\n"


