# SPDX-License-Identifier: Apache-2.0
"""Well-formed requests at random, out of Kafka's own descriptions of its messages: most values are such that the request
gets far (a topic that is there, a producer's own epoch, a member's own id), some are odd. What a seed gives is always the same,
but for the ids that the broker makes and the time of the records.

Left out is what ends or blinds the broker by its own rights: settings of the broker and quotas a byte a second wide.
"""
import random
import struct

import records
from codec import NUMBERS, within

LEFT_OUT = {
    "SaslHandshake", "SaslAuthenticate",  # there is nobody to sign in
    "UpdateFeatures",  # of the broker itself
}
TOPICS = ["a", "a", "b", "c"]
GROUPS = ["g1", "g2", "g3"]
ODD_NAMES = ["absent", "", ".", "..", "bad name", "\u00e9", "x" * 249, "x" * 250, "__consumer_offsets", "__transaction_state"]
ODD_NUMBERS = {
    "int8": [0, 1, -1, 2, 3, 5, 127, -128], "int16": [0, 1, -1, 7, 32767, -32768], "uint16": [0, 1, 65535],
    "int32": [0, 1, -1, -2, 3, 1000, 1 << 20, (1 << 31) - 1, -(1 << 31)], "uint32": [0, 1, (1 << 32) - 1],
    "int64": [0, 1, -1, -2, -3, -4, -5, -6, 7, 1 << 40, (1 << 63) - 1, -(1 << 63)],
    "float64": [1e12, 0.0, -1.0, float("nan"), float("inf"), 1e300],
}
USUAL_TEXTS = {
    "ProtocolType": ["consumer"], "ServerAssignor": ["uniform", "range", None], "SubscribedTopicRegex": [None, "a|b", ".*"],
    "HostFilter": [None, "*"], "Host": ["*"], "PrincipalFilter": [None, "User:a"], "Principal": ["User:a", "User:*"],
    "EntityType": ["user", "client-id", "ip"], "EntityName": ["u", None], "GroupInstanceId": [None, None, "i1", "i2"],
    "Reason": [None, "why"], "RackId": ["", None],
}
CONFIGS = [("cleanup.policy", "compact"), ("cleanup.policy", "delete"), ("segment.bytes", "2000000"), ("retention.ms", "100000"),
           ("max.message.bytes", "1000"), ("compression.type", "zstd"), ("message.timestamp.type", "LogAppendTime"),
           ("min.insync.replicas", "1"), ("segment.ms", "100"), ("consumer.session.timeout.ms", "50000"), ("nothing.of.this", "1")]
QUOTAS = ["producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate", "no_quota"]


class Requests:
    def __init__(self, codec, versions, seed):
        """`versions`: name -> (lowest, highest), as the broker told."""
        self.codec, self.rng = codec, random.Random(seed)
        self.apis = sorted((name, span) for name, span in versions.items() if name not in LEFT_OUT)
        self.producers = [("t1", -1, -1)]    # transactional id, producer id, epoch
        self.members = [("g1", "", -1)]      # group, member id, generation or epoch
        self.topic_ids = []

    def next(self):
        """name, version, body"""
        name, (low, high) = self.rng.choice(self.apis)
        version = self.rng.randint(low, high)
        message = self.codec.requests[name]
        self.producer, self.member = self.recent(self.producers), self.recent(self.members)
        self.odd = self.rng.choice((0, 0.05, 0.05, 0.3))
        body = self.struct(name, message, message.fields, version)
        if name == "ConsumerGroupHeartbeat" and self.rng.random() > self.odd:
            body.update(TopicPartitions=[] if body["MemberEpoch"] == 0 else None)
            if body["MemberEpoch"] == 0:
                body.update(RebalanceTimeoutMs=10000, SubscribedTopicNames=["a", "b"])
        if name in ("AlterConfigs", "IncrementalAlterConfigs"):
            for resource in body["Resources"] or ():
                resource["ResourceType"] = self.pick(resource["ResourceType"], [2, 32])
                if resource["ResourceType"] in (4, 8):
                    body["ValidateOnly"] = True
        return name, version, body

    def learn(self, name, body, answer):
        if name == "InitProducerId" and answer["ErrorCode"] == 0:
            self.producers.append((body["TransactionalId"], answer["ProducerId"], answer["ProducerEpoch"]))
        elif name == "EndTxn" and answer.get("ProducerId", -1) >= 0:
            self.producers.append((body["TransactionalId"], answer["ProducerId"], answer["ProducerEpoch"]))
        elif name == "JoinGroup" and answer["MemberId"]:
            self.members.append((body["GroupId"], answer["MemberId"], answer["GenerationId"]))
        elif name == "ConsumerGroupHeartbeat" and answer["MemberId"]:
            self.members.append((body["GroupId"], answer["MemberId"], answer["MemberEpoch"]))
        elif name in ("Metadata", "CreateTopics"):
            self.topic_ids += [topic["TopicId"] for topic in answer["Topics"] if topic.get("TopicId", bytes(16)) != bytes(16)]
            del self.topic_ids[5:-20]  # the first ones stay longest

    def recent(self, pool):
        return pool[-1 - min(int(self.rng.expovariate(0.7)), len(pool) - 1)]

    def pick(self, odd, usual):
        return odd if self.rng.random() < self.odd else self.rng.choice(usual)

    # --- bodies ---

    def struct(self, api, message, fields, version):
        body = {}
        for field in fields:
            if not within(field.versions, version):
                continue
            if within(field.tagged, version) and self.rng.random() < 0.7:
                continue
            nullable = within(field.nullable, version)
            if field.element:
                count = self.pick(self.rng.randrange(5), [1, 1, 2])
                items = [self.value(api, message, field, field.element, version) for _ in range(count)]
                body[field.name] = None if nullable and self.rng.random() < max(self.odd, 0.02) else items
            else:
                body[field.name] = self.value(api, message, field, field.type, version)
        return body

    def value(self, api, message, field, kind, version):
        if kind == "bool":
            return self.rng.random() < 0.5
        if kind in NUMBERS:
            return self.number(api, field, kind)
        if kind == "uuid":
            return self.pick(self.rng.choice((bytes(16), b"\1" * 16)), self.topic_ids[-1:] + self.topic_ids[:4] or [bytes(16)])
        if kind == "string":
            text = self.text(api, field)
            return "" if text is None and not within(field.nullable, version) else text
        if kind == "records":
            return self.batch()
        if kind == "bytes":
            return self.pick(b"", [b"32 bytes of salt or of a password", struct.pack(">hi", 0, 1) + struct.pack(">h", 1) + b"a" + struct.pack(">i", -1)])
        if not field.element and within(field.nullable, version) and self.rng.random() < 0.3:
            return None
        return self.struct(api, message, message.structs[kind], version)

    def number(self, api, field, kind):
        name, odd = field.name.lower(), self.rng.choice(ODD_NUMBERS[kind])
        if name == "maxwaitms":
            return self.rng.choice((0, 1, 5, -1))
        if name == "numpartitions" or (api, name) == ("CreatePartitions", "count"):
            return self.rng.choice((1, 2, 3, 4, 0, -1))
        if name in ("sessiontimeoutms", "rebalancetimeoutms"):
            return self.pick(odd, [6000, 10000])
        if name.endswith("timeoutms"):
            return self.pick(odd, [1000, 60000])
        if kind == "float64":
            return self.rng.choice(ODD_NUMBERS[kind])
        usual = {"acks": [-1, 1], "replicationfactor": [1, -1], "producerid": [self.producer[1]], "producerepoch": [self.producer[2]],
                 "generationid": [self.member[2], -1], "generationidormemberepoch": [self.member[2], -1],
                 "memberepoch": [self.member[2], 0, 0, -1], "replicaid": [-1], "brokerid": [1, -1], "brokerids": [1],
                 "replicas": [1], "keytype": [0, 1], "isolationlevel": [0, 1], "sessionid": [0], "sessionepoch": [-1, 0],
                 "currentleaderepoch": [-1, 0], "leaderepoch": [0, -1], "fetchoffset": [0, 1, 5], "offset": [0, 1, -1],
                 "committedoffset": [0, 5], "timestamp": [-1, -2, -3, 0], "partitionmaxbytes": [1 << 20], "maxbytes": [1 << 20],
                 "minbytes": [0, 1], "resourcetype": [2], "resourcetypefilter": [1, 2, 3], "patterntypefilter": [1, 2, 3],
                 "resourcepatterntype": [3, 4], "operation": [2, 3, 4], "permissiontype": [3, 2], "configoperation": [0, 1, 2, 3],
                 "mechanism": [1, 2], "iterations": [4096], "matchtype": [0, 1, 2]}.get(name)
        if usual is None:
            usual = [0, 0, 1] if "partition" in name or name in ("index", "partitions") else ODD_NUMBERS[kind][:3]
        return self.pick(odd, usual)

    def text(self, api, field):
        name, odd = field.name, self.rng.choice(ODD_NAMES + [None])
        if name in USUAL_TEXTS:
            return self.pick(odd, USUAL_TEXTS[name])
        if name in ("GroupId", "Groups", "GroupsNames", "GroupIds"):
            return self.pick(odd, ["g3"] if name == "GroupsNames" else [self.member[0]] * 4 + GROUPS)
        if name == "MemberId":
            return self.pick(odd, [self.member[1], self.member[1], ""])
        if "TransactionalId" in name:
            return self.pick(odd, ["t1", "t2", None] if api == "InitProducerId" else [self.producer[0]])
        if name == "ConfigurationKeys":
            return self.pick(odd, [key for key, _ in CONFIGS])
        if api in ("AlterConfigs", "IncrementalAlterConfigs", "CreateTopics") and name == "Value":
            return self.pick(odd, [value for _, value in CONFIGS])
        if api in ("AlterConfigs", "IncrementalAlterConfigs", "CreateTopics") and name == "Name" and self.rng.random() < 0.5:
            return self.rng.choice(CONFIGS)[0]
        if api == "AlterClientQuotas" and name == "Key":
            return self.pick(odd, QUOTAS)
        if api == "FindCoordinator":
            return self.pick(odd, [*GROUPS, "t1"])
        if api in ("JoinGroup", "SyncGroup") and name in ("Name", "ProtocolName"):
            return self.pick(odd, ["range"])
        return self.pick(odd, ["c"] if api in ("DeleteTopics", "CreateTopics") else TOPICS)

    def batch(self):
        count = self.rng.randint(1, 4)
        name, pid, epoch = self.producer
        transactional = name is not None and self.rng.random() < 0.6
        ours = transactional or self.rng.random() < 0.3
        return self.pick(
            self.rng.choice((None, b"", b"\0" * 70, records.batch(bad_crc=True), records.batch(magic=1), records.batch(count=9))),
            [records.batch([(b"k%d" % self.rng.randrange(5), self.rng.choice((b"v", None)))] * count,
                           codec=self.rng.choice((0, 1)), attributes=0x10 if transactional else 0, pid=pid if ours else -1,
                           epoch=epoch if ours else -1, sequence=self.rng.choice((0, 0, count, 7)) if ours else -1)])
