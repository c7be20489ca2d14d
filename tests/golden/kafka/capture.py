#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what real Kafka clients and a real Kafka broker say to each other.

  capture.py proxy LISTEN_PORT BROKER_PORT NAME.hex   forward, and write one line per exchange until SIGTERM
  capture.py sweep PORT                               send every API in every version (needs kafka-python >= 3)

Run Apache Kafka 4.x with advertised.listeners at the proxy's port, then point clients at the proxy. Each exchange of
NAME.hex is `key version request-hex response-hex`: whole frames without the 4-byte length; `-` = no response. At most
two exchanges per key, version and size class are kept, and none above 6,000 bytes.
"""
import signal
import socket
import struct
import sys
import threading


class Recorder:
    def __init__(self, path):
        self.path, self.lines, self.seen, self.lock = path, [], {}, threading.Lock()

    def add(self, key, version, request, response):
        if len(request) + len(response or b"") > 6000:
            return
        slot = (key, version, len(request) // (64 if key else 1), len(response or b"") // 256)
        with self.lock:
            self.seen[slot] = self.seen.get(slot, 0) + 1
            if self.seen[slot] <= 2:
                self.lines.append((key, version, request.hex(), response.hex() if response else "-"))

    def write(self):
        with self.lock, open(self.path, "w") as out:
            out.write("# key version request response; see capture.py\n")
            for line in sorted(self.lines, key=lambda l: l[:2]):
                out.write("%d %d %s %s\n" % line)


def read_exact(sock, size):
    data = b""
    while len(data) < size:
        part = sock.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def read_frame(sock):
    return read_exact(sock, struct.unpack(">i", read_exact(sock, 4))[0])


def serve(client, broker_port, recorder):
    broker = socket.create_connection(("127.0.0.1", broker_port))
    waiting = {}

    def back():
        try:
            while True:
                frame = read_frame(broker)
                request = waiting.pop(frame[:4], None)
                if request:
                    recorder.add(*struct.unpack(">hh", request[:4]), request, frame)
                client.sendall(struct.pack(">i", len(frame)) + frame)
        except (EOFError, OSError):
            pass
        finally:
            client.close()

    threading.Thread(target=back, daemon=True).start()
    try:
        while True:
            frame = read_frame(client)
            waiting[frame[4:8]] = frame
            broker.sendall(struct.pack(">i", len(frame)) + frame)
    except (EOFError, OSError):
        pass
    finally:
        broker.close()


def proxy(listen_port, broker_port, path):
    recorder = Recorder(path)

    def stop(*_):
        recorder.write()
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    server = socket.create_server(("127.0.0.1", listen_port))
    while True:
        client, _ = server.accept()
        threading.Thread(target=serve, args=(client, broker_port, recorder), daemon=True).start()


def sweep(port):
    import uuid
    import kafka.protocol.admin as admin
    import kafka.protocol.consumer as consumer
    import kafka.protocol.metadata as metadata
    import kafka.protocol.producer as producer
    from kafka.record.memory_records import MemoryRecordsBuilder

    sock = socket.create_connection(("127.0.0.1", port))
    sock.settimeout(20)
    count = [0]

    def typed(struct, version, values):
        made = {}
        for name, value in values.items():
            field = struct.fields.get(name)
            if field is None or not field.for_version_q(version):
                continue
            if field.is_struct_array() and value is not None:
                value = [field.data_class(version=version, **typed(field.data_class._struct, version, item))
                         if isinstance(item, dict) else item for item in value]
            made[name] = value
        return made

    def send(cls, version, **fields):
        request = cls(version=version, **typed(cls._struct, version, fields))
        count[0] += 1
        request.with_header(correlation_id=count[0], client_id="sweep")
        sock.sendall(request.encode(header=True, framed=True))
        return read_frame(sock)

    def each(module, name, low, high, make):
        cls = getattr(module, name + "Request")
        for version in range(low, high + 1):
            try:
                send(cls, version, **(make(version) if callable(make) else make))
            except Exception as error:  # tells which exchange is not covered
                print("sweep: %s v%d: %r" % (name, version, error))
                if isinstance(error, (OSError, EOFError)):
                    raise

    def batch(codec=0):
        builder = MemoryRecordsBuilder(magic=2, compression_type=codec, batch_size=100000)
        for i in range(3):
            builder.append(timestamp=1700000000000 + i, key=b"k%d" % i, value=b"value %d " % i * 20, headers=[("h", b"x")])
        builder.close()
        return bytes(builder.buffer())

    def topic_id(name):
        raw = send(metadata.MetadataRequest, 12, topics=[dict(topic_id=uuid.UUID(int=0), name=name)],
                   allow_auto_topic_creation=False, include_topic_authorized_operations=False)
        reply = metadata.MetadataResponse.decode(raw, version=12, header=True)
        return reply.topics[0].topic_id

    zero = uuid.UUID(int=0)
    each(metadata, "ApiVersions", 0, 4, dict(client_software_name="sweep", client_software_version="1.0"))
    each(admin, "CreateTopics", 2, 7, lambda v: dict(topics=[
        dict(name="sweep%d" % v, num_partitions=2, replication_factor=1, assignments=[],
             configs=[dict(name="retention.ms", value="1000000")]),
        dict(name="bad name", num_partitions=1, replication_factor=1, assignments=[], configs=[])],
        timeout_ms=10000, validate_only=False))
    each(admin, "CreatePartitions", 0, 3, lambda v: dict(topics=[
        dict(name="sweep2", count=3 + v, assignments=None), dict(name="absent", count=9, assignments=None)],
        timeout_ms=10000, validate_only=False))
    each(metadata, "Metadata", 0, 13, lambda v: dict(
        topics=[dict(topic_id=zero, name="sweep3"), dict(topic_id=zero, name="absent")] if v else ["sweep3"],
        allow_auto_topic_creation=False, include_cluster_authorized_operations=True,
        include_topic_authorized_operations=True) if v else dict(topics=[dict(name="sweep3")]))
    each(admin, "DescribeTopicPartitions", 0, 0, dict(
        topics=[dict(name="sweep3"), dict(name="sweep4")], response_partition_limit=3, cursor=None))
    each(admin, "DescribeCluster", 0, 2, dict(include_cluster_authorized_operations=True))
    each(admin, "DescribeConfigs", 1, 4, dict(resources=[
        dict(resource_type=2, resource_name="sweep3", configuration_keys=["retention.ms", "cleanup.policy"])],
        include_synonyms=True, include_documentation=True))
    each(admin, "AlterConfigs", 0, 2, dict(resources=[
        dict(resource_type=2, resource_name="sweep3", configs=[dict(name="retention.ms", value="5000000")])],
        validate_only=False))
    each(admin, "IncrementalAlterConfigs", 0, 1, dict(resources=[
        dict(resource_type=2, resource_name="sweep3",
             configs=[dict(name="retention.ms", config_operation=0, value="6000000")]),
        dict(resource_type=2, resource_name="absent",
             configs=[dict(name="retention.ms", config_operation=1, value=None)])], validate_only=False))
    ident = topic_id("sweep3")
    each(producer, "InitProducerId", 0, 5, dict(transactional_id=None, transaction_timeout_ms=60000,
                                                 producer_id=-1, producer_epoch=-1))
    for codec in range(5):
        each(producer, "Produce", 3, 13, lambda v: dict(transactional_id=None, acks=-1, timeout_ms=10000, topic_data=[
            dict(name="sweep3", topic_id=ident, partition_data=[dict(index=0, records=batch(codec)),
                                                                dict(index=77, records=batch(codec))])]))
    each(consumer, "Fetch", 4, 18, lambda v: dict(
        cluster_id=None, replica_id=-1, max_wait_ms=10, min_bytes=1, max_bytes=900, isolation_level=v % 2, session_id=0,
        session_epoch=-1, topics=[dict(topic="sweep3", topic_id=ident, partitions=[
            dict(partition=0, fetch_offset=0, partition_max_bytes=900),
            dict(partition=1, fetch_offset=5, partition_max_bytes=900)])], forgotten_topics_data=[], rack_id=""))
    each(consumer, "ListOffsets", 1, 11, lambda v: dict(replica_id=-1, isolation_level=0, timeout_ms=1000, topics=[
        dict(name="sweep3", partitions=[dict(partition_index=0, timestamp=t) for t in (-1, -2, 1700000000001)] if v == 1
             else [dict(partition_index=0, current_leader_epoch=-1, timestamp=-2),
                   dict(partition_index=9, current_leader_epoch=-1, timestamp=-1)])]))
    each(consumer, "OffsetForLeaderEpoch", 2, 4, dict(replica_id=-1, topics=[
        dict(topic="sweep3", partitions=[dict(partition=0, current_leader_epoch=-1, leader_epoch=0)])]))
    each(admin, "DeleteRecords", 0, 2, dict(topics=[
        dict(name="sweep3", partitions=[dict(partition_index=0, offset=2), dict(partition_index=8, offset=2)])],
        timeout_ms=10000))
    each(metadata, "FindCoordinator", 0, 6, dict(key="g", key_type=0, coordinator_keys=["g", "h"]))
    for version in range(0, 10):
        group = "sweep-group-%d" % version
        join = dict(group_id=group, session_timeout_ms=10000, rebalance_timeout_ms=10000, member_id="",
                    group_instance_id="inst" if version == 7 else None, protocol_type="consumer",
                    protocols=[dict(name="range", metadata=b"\0\0\0\0\0\1\0\6sweep3\xff\xff\xff\xff")], reason="sweep")
        raw = send(consumer.JoinGroupRequest, version, **join)
        reply = consumer.JoinGroupResponse.decode(raw, version=version, header=True)
        if reply.error_code == 79:
            join["member_id"] = reply.member_id
            raw = send(consumer.JoinGroupRequest, version, **join)
            reply = consumer.JoinGroupResponse.decode(raw, version=version, header=True)
        me = dict(group_id=group, generation_id=reply.generation_id, member_id=reply.member_id)
        send(consumer.SyncGroupRequest, min(version, 5), protocol_type="consumer", protocol_name="range", **me,
             assignments=[dict(member_id=reply.member_id, assignment=b"\0\0\0\0\0\0\0\0\0\0")])
        send(consumer.HeartbeatRequest, min(version, 4), **me)
        send(consumer.OffsetCommitRequest, min(version + 2, 9), group_id=group,
             generation_id_or_member_epoch=reply.generation_id, member_id=reply.member_id, retention_time_ms=-1,
             topics=[dict(name="sweep3", partitions=[
                 dict(partition_index=0, committed_offset=3, committed_leader_epoch=0, committed_metadata="meta"),
                 dict(partition_index=1, committed_offset=4, committed_leader_epoch=-1, committed_metadata=None)])])
        topics = [dict(name="sweep3", topic_id=ident, partition_indexes=[0, 1, 2])]
        send(consumer.OffsetFetchRequest, min(version + 1, 9), group_id=group, topics=topics, require_stable=False,
             groups=[dict(group_id=group, member_id=None, member_epoch=-1, topics=topics),
                     dict(group_id="absent", member_id=None, member_epoch=-1, topics=None)])
        send(admin.DescribeGroupsRequest, min(version, 6), groups=[group, "absent"],
             include_authorized_operations=True)
        send(admin.ListGroupsRequest, min(version, 5), states_filter=[], types_filter=[])
        member = dict(member_id=reply.member_id, group_instance_id=None, reason="done")
        send(consumer.LeaveGroupRequest, min(version, 5), group_id=group, member_id=reply.member_id,
             members=[member])
        send(consumer.OffsetCommitRequest, 10 if version == 9 else 9, group_id=group,
             generation_id_or_member_epoch=-1, member_id="",
             topics=[dict(name="sweep3", topic_id=ident, partitions=[
                 dict(partition_index=0, committed_offset=3, committed_leader_epoch=0, committed_metadata="")])])
    each(consumer, "OffsetFetch", 10, 10, dict(groups=[dict(
        group_id="sweep-group-9", member_id=None, member_epoch=-1,
        topics=[dict(topic_id=ident, partition_indexes=[0])])], require_stable=True))
    each(consumer, "OffsetDelete", 0, 0, dict(group_id="sweep-group-1", topics=[
        dict(name="sweep3", partitions=[dict(partition_index=0)])]))
    each(admin, "DeleteGroups", 0, 2, lambda v: dict(groups_names=["sweep-group-%d" % v, "absent"]))
    each(admin, "DeleteTopics", 1, 6, lambda v: dict(
        topics=[dict(name="sweep%d" % (v + 1), topic_id=zero), dict(name=None, topic_id=uuid.UUID(int=7))],
        topic_names=["sweep%d" % (v + 1), "absent"], timeout_ms=10000))


if __name__ == "__main__":
    if sys.argv[1] == "proxy":
        proxy(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        sweep(int(sys.argv[2]))
