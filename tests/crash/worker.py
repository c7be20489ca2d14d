"""One client of the history test, a process that can be stopped, continued and killed. Writes a line of JSON for each
thing it begins and each answer it gets. usage: worker.py KIND NAME BROKERS EVENTS SEED; KIND: plain, idempotent,
transactional, group, group-committed, assigned, assigned-committed."""
import json
import random
import signal
import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

TOPIC, PARTITIONS, GROUP = "history", 3, "readers"
kind, name, brokers, events_path, seed = sys.argv[1:6]
chance = random.Random(seed)
events = open(events_path, "a", buffering=1, encoding="utf-8")
stopping = False


def stop(*_):
    global stopping
    stopping = True


def tell(op, **fields):
    events.write(json.dumps({"op": op, "by": name, "kind": kind, "at": time.monotonic_ns(), **fields}) + "\n")


def told(partition, number, txn):
    def delivered(err, message):
        if err:
            tell("failed", partition=partition, n=number, txn=txn, error=str(err))
        else:
            tell("acked", partition=partition, n=number, txn=txn, offset=message.offset())
    return delivered


def send(producer, numbers, txn=None):
    partition = chance.randrange(PARTITIONS)
    number = numbers[partition] = numbers.get(partition, -1) + 1
    tell("send", partition=partition, n=number, txn=txn)
    value = json.dumps([name, partition, number, txn]) + " " * chance.randrange(200)
    producer.produce(TOPIC, value.encode(), partition=partition, on_delivery=told(partition, number, txn))


QUICK = {"bootstrap.servers": brokers, "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200}


def produce():
    producer = Producer({**QUICK, "enable.idempotence": kind == "idempotent", "linger.ms": 2, "acks": "all",
                         "message.timeout.ms": 120000,
                         **({} if kind == "idempotent" else {"max.in.flight.requests.per.connection": 1})})
    numbers = {}
    while not stopping:
        if len(producer) < 100:
            send(producer, numbers)
        producer.poll(0.002)
    tell("left", count=producer.flush(60))


def transact():
    producer = Producer({**QUICK, "transactional.id": name.split("#")[0], "linger.ms": 2, "transaction.timeout.ms": 60000})
    producer.init_transactions(60)
    numbers, txn = {}, 0
    while not stopping:
        txn += 1
        try:
            producer.begin_transaction()
            tell("begin", txn=txn)
            for _ in range(chance.randrange(1, 8)):
                send(producer, numbers, txn)
            assert producer.flush(60) == 0
            if chance.random() < 0.7:
                tell("commit", txn=txn)
                producer.commit_transaction(60)
                tell("committed", txn=txn)
            else:
                tell("abort", txn=txn)
                producer.abort_transaction(60)
                tell("aborted", txn=txn)
        except KafkaException as failure:
            tell("trouble", txn=txn, error=str(failure))
            if not failure.args[0].txn_requires_abort():
                return  # the one who starts us again fences what is left of this one
            producer.abort_transaction(60)
            tell("aborted", txn=txn)


def consumer(**settings):
    return Consumer({**QUICK, "isolation.level": "read_committed" if kind.endswith("committed") else "read_uncommitted",
                     "auto.offset.reset": "earliest", "enable.auto.commit": False, "enable.auto.offset.store": False,
                     "session.timeout.ms": 6000, **settings})


def take(reader):
    message = reader.poll(0.1)
    if message is None or message.error():
        return None
    tell("read", partition=message.partition(), offset=message.offset(), value=json.loads(message.value()))
    return message


def assigned():
    reader = consumer(**{"group.id": f"alone-{name}"})
    reader.assign([TopicPartition(TOPIC, partition, 0) for partition in range(PARTITIONS)])
    for partition in range(PARTITIONS):
        tell("assigned", partition=partition, offset=0)
    while not stopping:
        take(reader)
    reader.close()


def group():
    reader = consumer(**{"group.id": f"{GROUP}-{kind}"})
    positions = {}

    def on_assign(_, places):
        positions.clear()  # a partition may have been another's meanwhile
        asked = time.monotonic_ns()
        try:
            committed = reader.committed(places, timeout=60)
        except KafkaException:  # where it begins is not known
            for place in places:
                tell("unknown", partition=place.partition)
            return
        for place in committed:
            place.offset = max(0, place.offset)
            tell("assigned", partition=place.partition, offset=place.offset, asked=asked)
        reader.assign(committed)  # from there, and not from where a second question finds it

    reader.subscribe([TOPIC], on_assign=on_assign)
    while not stopping:
        message = take(reader)
        if message:
            positions[message.partition()] = message.offset() + 1
        if positions and chance.random() < 0.05:
            mine = {place.partition for place in reader.assignment()}
            places = [TopicPartition(TOPIC, p, offset) for p, offset in positions.items() if p in mine]
            positions.clear()
            try:
                for place in reader.commit(offsets=places, asynchronous=False) if places else []:
                    if not place.error:
                        tell("committed", partition=place.partition, offset=place.offset)
            except KafkaException as failure:  # unknown, or not ours any more
                tell("trouble", error=str(failure))
    reader.close()


signal.signal(signal.SIGTERM, stop)
{"plain": produce, "idempotent": produce, "transactional": transact, "group": group, "group-committed": group,
 "assigned": assigned, "assigned-committed": assigned}[kind]()
