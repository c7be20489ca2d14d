"""What a program on aiokafka does, in one walk. usage: aiokafka_walk.py HOST:PORT walk|transactions"""
import asyncio
import sys
import time

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import MessageSizeTooLargeError

try:
    from aiokafka.admin import NewPartitions, NewTopic
except ImportError:  # before 0.9 it took them from kafka-python
    from kafka.admin import NewPartitions, NewTopic

DEADLINE = 60


async def until(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "waited for " + what
        await asyncio.sleep(0.02)


async def read(consumer, count):
    got = []
    end = time.monotonic() + DEADLINE
    while len(got) < count:
        assert time.monotonic() < end, f"waited for {count} records, got {len(got)}"
        for records in (await consumer.getmany(timeout_ms=200)).values():
            got.extend(records)
    return got


async def transactions(brokers):
    name = "aiokafka-txn-%d" % time.time_ns()
    source, target = TopicPartition(name, 0), TopicPartition(name + "-out", 0)
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    await admin.create_topics([NewTopic(place.topic, 1, 1) for place in (source, target)])
    async with AIOKafkaProducer(bootstrap_servers=brokers, transactional_id=name) as producer:
        for commit in (False, True):
            await producer.begin_transaction()
            for i in range(10):
                await producer.send(target.topic, b"kept" if commit else b"dropped", partition=0)
            await producer.flush()
            await producer.send_offsets_to_transaction({source: 7}, name)
            if commit:
                await producer.commit_transaction()
            else:
                await producer.abort_transaction()
    kept = {}
    end = time.monotonic() + DEADLINE
    while source not in kept or kept[source].offset != 7:  # the marker may come after the answer
        assert time.monotonic() < end, kept
        kept = await admin.list_consumer_group_offsets(name)
    for isolation, wanted in (("read_committed", [b"kept"] * 10), ("read_uncommitted", [b"dropped"] * 10 + [b"kept"] * 10)):
        async with AIOKafkaConsumer(bootstrap_servers=brokers, isolation_level=isolation) as check:
            check.assign([target])
            await check.seek_to_beginning(target)
            assert [record.value for record in await read(check, len(wanted))] == wanted
    await admin.close()
    print("ok")


async def main(brokers):
    print(aiokafka.__version__)
    name = "aiokafka-%d" % time.time_ns()
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    await admin.create_topics([NewTopic(name, 2, 1)])
    assert name in await admin.list_topics()

    wanted = []
    for codec in (None, "gzip", "snappy", "lz4", "zstd"):
        async with AIOKafkaProducer(bootstrap_servers=brokers, compression_type=codec, enable_idempotence=True) as producer:
            sent = []
            for i in range(100):
                wanted.append(b"%s %d" % (str(codec).encode(), i))
                sent.append(await producer.send(name, wanted[-1], key=b"%d" % i, partition=i % 2, headers=[("n", b"%d" % i)]))
            await asyncio.gather(*sent)
    async with AIOKafkaProducer(bootstrap_servers=brokers, max_request_size=5_000_000) as producer:
        try:
            await producer.send_and_wait(name, b"x" * 3_000_000)
            raise AssertionError("a record of 3 MB was taken")
        except MessageSizeTooLargeError:
            pass

    settings = dict(bootstrap_servers=brokers, group_id=name, auto_offset_reset="earliest", enable_auto_commit=False,
                    heartbeat_interval_ms=200, session_timeout_ms=30000)
    async with AIOKafkaConsumer(name, **settings) as first:
        got = await read(first, len(wanted))
        assert sorted(r.value for r in got) == sorted(wanted)
        assert all(dict(r.headers)["n"] == r.key for r in got)
        await first.commit()
        second = AIOKafkaConsumer(name, **settings)
        await second.start()
        await until(lambda: len(first.assignment()) == len(second.assignment()) == 1, "one partition for each member")
        assert first.assignment() | second.assignment() == {TopicPartition(name, n) for n in (0, 1)}
        await second.stop()
        await until(lambda: len(first.assignment()) == 2, "the survivor to own both partitions")
        zero = TopicPartition(name, 0)
        assert await first.committed(zero) == 250
        assert (await first.offsets_for_times({zero: 0}))[zero].offset == 0
        assert (await first.end_offsets([zero]))[zero] == 250
        first.seek(zero, 248)
        assert [r.offset for r in await read(first, 2)] == [248, 249]

    groups = await admin.describe_consumer_groups([name])
    assert name in str(groups[0])
    offsets = await admin.list_consumer_group_offsets(name)
    assert offsets[TopicPartition(name, 1)].offset == 250
    await admin.create_partitions({name: NewPartitions(3)})
    await admin.delete_topics([name])
    await admin.close()
    print("ok")


asyncio.run({"walk": main, "transactions": transactions}[sys.argv[2]](sys.argv[1]))
