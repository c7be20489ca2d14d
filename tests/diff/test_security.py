# SPDX-License-Identifier: Apache-2.0
"""Who may do what: Apache Kafka's StandardAuthorizer and weir's, asked the same by the same users; users, ACLs and quotas
managed by the same requests."""
import os
import random
import signal
import subprocess

import pytest

from cases_data import ONE, fetch, produce
from cases_groups import ready, transactions_ready
from codec import Codec
from conftest import ROOT, Weir
from pair import Pair, Peer, Var
from test_diff import PEERS

NOBODY = -(1 << 31)
TOPIC, GROUP, CLUSTER, TXN = 2, 3, 4, 5
LITERAL, PREFIXED = 3, 4
ALL, READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE = range(2, 9)
DENY, ALLOW = 2, 3


class SaslPeer(Peer):
    """Signs in with PLAIN on each connection."""

    user = "alice"

    def connect(self):
        super().connect()
        self.sign_in("SaslHandshake", 1, dict(Mechanism="PLAIN"))
        self.sign_in("SaslAuthenticate", 2, dict(AuthBytes=b"\0%s\0secret" % self.user.encode()))

    def sign_in(self, name, version, body):
        super().send(self.codec.request(name, version, body, 0, "diff"))
        answer = self.answer(name, version, 0)
        assert answer["ErrorCode"] == 0, (self.name, answer)


def start_kafka(home):
    users = " ".join(f'user_{user}="secret"' for user in ("alice", "bob"))
    properties = [
        "listeners=PLAINTEXT://127.0.0.1:@PORT@,CONTROLLER://127.0.0.1:@CONTROLLER@,SASL_PLAINTEXT://127.0.0.1:@ANOTHER@",
        "advertised.listeners=PLAINTEXT://127.0.0.1:@PORT@,SASL_PLAINTEXT://127.0.0.1:@ANOTHER@",
        "controller.quorum.bootstrap.servers=127.0.0.1:@CONTROLLER@",
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms=PLAIN",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config="
        f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};",
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users=User:ANONYMOUS",
    ]
    with open(home / "start.log", "w") as log:
        subprocess.run([str(ROOT / "bench" / "peers" / "start_kafka.sh"), str(home / "kafka"), *properties],
                       stdout=log, timeout=600, check=True)
    at, pid, _, sasl = (home / "start.log").read_text().split()
    return at, f"127.0.0.1:{sasl}", int(pid)


@pytest.fixture(scope="module")
def peers(tmp_path_factory):
    """A pair for who may do everything, and a pair for alice."""
    home = tmp_path_factory.mktemp("security")
    plain, sasl, pid = start_kafka(home)
    project = tmp_path_factory.mktemp("project")
    (project / "weir.yaml").write_text(
        "kafka:\n"
        "  listeners: {plain: {listen: 127.0.0.1:0}, sasl: {listen: 127.0.0.1:0, security: sasl_plaintext}}\n"
        "  users: [{name: alice, password_env: DIFF_PASSWORD}, {name: bob, password_env: DIFF_PASSWORD}]\n"
        "  authorizer: on\n"
        "  super_users: User:ANONYMOUS\n")
    os.environ["DIFF_PASSWORD"] = "secret"
    weir = Weir(project, home / "weir")
    weir.parts = ("cql", "console", "people")
    try:
        weir.start()
        yield make_pairs(plain, sasl, weir.at["kafka_listeners"])
    finally:
        weir.stop()
        os.kill(pid, signal.SIGTERM)


def make_pairs(plain, sasl, at):
    codec = Codec(PEERS / "kafka" / "lib" / "kafka-clients-4.3.1.jar")
    admin = Pair(Peer("kafka", plain, codec), Peer("weir", at["plain"], codec), codec)
    alice = Pair(SaslPeer("kafka", sasl, codec), SaslPeer("weir", at["sasl"], codec), codec)
    return admin, alice


def rule(resource, name, operation, permission=ALLOW, pattern=LITERAL, principal="User:alice", host="*"):
    return dict(ResourceType=resource, ResourceName=name, ResourcePatternType=pattern, Principal=principal, Host=host,
                Operation=operation, PermissionType=permission)


def every():
    return dict(ResourceTypeFilter=1, ResourceNameFilter=None, PatternTypeFilter=1, PrincipalFilter=None, HostFilter=None,
                Operation=1, PermissionType=1)


def start_anew(admin, *rules):
    """These rules and no others, in force on both."""
    admin.same("DeleteAcls", 3, dict(Filters=[every()]))
    admin.same("DescribeAcls", 3, every(), settle=True)  # heard of before the new ones, which may be the old ones
    admin.take()
    admin.same("CreateAcls", 3, dict(Creations=list(rules)))
    admin.same("DescribeAcls", 3, every(), settle=True)
    assert not admin.take()


def topics(admin, *names):
    for name in names:
        admin.same("CreateTopics", 7, dict(Topics=[dict(Name=name, NumPartitions=1, ReplicationFactor=1, Assignments=[],
                                                        Configs=[])], TimeoutMs=30000, ValidateOnly=False))
        admin.until("Metadata", 12, dict(Topics=[dict(TopicId=bytes(16), Name=name)], AllowAutoTopicCreation=False),
                    lambda answer: answer["Topics"][0]["ErrorCode"] == 0)
    admin.take()


def partitions(name):
    return [dict(Name=name, Partitions=[dict(PartitionIndex=0, Partition=0, Offset=0, Timestamp=-1, CommittedOffset=1,
                                             CommittedMetadata="", CurrentLeaderEpoch=-1, LeaderEpoch=0)],
                 PartitionIndexes=[0], PartitionIndices=[0])]


# Every API a client of one topic and one group may send: name, least version, body.
def requests(topic, group):
    config = [dict(ResourceType=2, ResourceName=topic, ConfigurationKeys=None, Configs=[])]
    return [
        ("Metadata", 0, dict(Topics=[dict(TopicId=bytes(16), Name=topic)], AllowAutoTopicCreation=False,
                             IncludeClusterAuthorizedOperations=True, IncludeTopicAuthorizedOperations=True)),
        ("Metadata", 1, dict(Topics=None, AllowAutoTopicCreation=False)),
        ("Metadata", 4, dict(Topics=[dict(TopicId=bytes(16), Name=topic + "-new")], AllowAutoTopicCreation=True)),
        ("Produce", 3, produce(topic, ONE)),
        ("Fetch", 4, fetch(topic)),
        ("ListOffsets", 1, dict(ReplicaId=-1, IsolationLevel=0, Topics=partitions(topic))),
        ("OffsetForLeaderEpoch", 3, dict(ReplicaId=-1, Topics=[dict(Topic=topic, Partitions=[dict(
            Partition=0, CurrentLeaderEpoch=-1, LeaderEpoch=0)])])),
        ("DescribeTopicPartitions", 0, dict(Topics=[dict(Name=topic)], ResponsePartitionLimit=100, Cursor=None)),
        ("DeleteRecords", 0, dict(Topics=partitions(topic), TimeoutMs=60000)),
        ("FindCoordinator", 1, dict(Key=group, KeyType=0, CoordinatorKeys=[group])),
        ("FindCoordinator", 1, dict(Key="txn", KeyType=1, CoordinatorKeys=["txn"])),
        ("OffsetCommit", 2, dict(GroupId=group, GenerationIdOrMemberEpoch=-1, MemberId="", RetentionTimeMs=-1,
                                 Topics=[dict(one, TopicId=Var("id of " + topic)) for one in partitions(topic)])),
        ("OffsetFetch", 1, dict(GroupId=group, Topics=partitions(topic), RequireStable=False, Groups=[dict(
            GroupId=group, MemberId=None, MemberEpoch=-1, Topics=[dict(one, TopicId=Var("id of " + topic))
                                                                   for one in partitions(topic)])])),
        ("OffsetFetch", 2, dict(GroupId=group, Topics=None, RequireStable=False, Groups=[dict(
            GroupId=group, MemberId=None, MemberEpoch=-1, Topics=None)])),
        ("JoinGroup", 0, dict(GroupId=group, SessionTimeoutMs=10000, RebalanceTimeoutMs=1000, MemberId="nobody",
                              GroupInstanceId=None, ProtocolType="consumer", Protocols=[dict(Name="range", Metadata=b"")],
                              Reason=None)),
        ("SyncGroup", 0, dict(GroupId=group, GenerationId=1, MemberId="nobody", GroupInstanceId=None, Assignments=[],
                              ProtocolType="consumer", ProtocolName="range")),
        ("Heartbeat", 0, dict(GroupId=group, GenerationId=1, MemberId="nobody", GroupInstanceId=None)),
        ("LeaveGroup", 0, dict(GroupId=group, MemberId="nobody", Members=[dict(MemberId="nobody", GroupInstanceId=None,
                                                                              Reason=None)])),
        ("DescribeGroups", 0, dict(Groups=[group], IncludeAuthorizedOperations=True)),
        ("ListGroups", 0, dict(StatesFilter=[], TypesFilter=[])),
        ("DeleteGroups", 0, dict(GroupsNames=["not-" + group])),
        ("OffsetDelete", 0, dict(GroupId="not-" + group, Topics=[dict(Name=topic, Partitions=[dict(PartitionIndex=0)])])),
        ("CreateTopics", 2, dict(Topics=[dict(Name=topic, NumPartitions=1, ReplicationFactor=1, Assignments=[], Configs=[])],
                                 TimeoutMs=60000, ValidateOnly=True)),
        ("CreateTopics", 5, dict(Topics=[dict(Name=topic + "-try", NumPartitions=1, ReplicationFactor=1, Assignments=[],
                                              Configs=[])], TimeoutMs=60000, ValidateOnly=True)),
        ("CreatePartitions", 0, dict(Topics=[dict(Name=topic, Count=2, Assignments=None)], TimeoutMs=60000, ValidateOnly=True)),
        ("DeleteTopics", 1, dict(Topics=[dict(Name="not-" + topic, TopicId=bytes(16))], TopicNames=["not-" + topic],
                                 TimeoutMs=60000)),
        ("DescribeConfigs", 1, dict(Resources=[dict(ResourceType=2, ResourceName=topic, ConfigurationKeys=["segment.bytes"])],
                                    IncludeSynonyms=False, IncludeDocumentation=False)),
        ("AlterConfigs", 0, dict(Resources=config, ValidateOnly=True)),
        ("IncrementalAlterConfigs", 0, dict(Resources=config, ValidateOnly=True)),
        ("InitProducerId", 0, dict(TransactionalId="txn", TransactionTimeoutMs=60000, ProducerId=-1, ProducerEpoch=-1)),
        ("DescribeCluster", 0, dict(IncludeClusterAuthorizedOperations=True, EndpointType=1, IncludeFencedBrokers=False)),
        ("DescribeAcls", 1, every()),
        ("CreateAcls", 1, dict(Creations=[rule(TOPIC, "t", READ)])),
        ("DeleteAcls", 1, dict(Filters=[dict(every(), ResourceNameFilter="none")])),
        ("DescribeClientQuotas", 0, dict(Components=[], Strict=False)),
        ("DescribeUserScramCredentials", 0, dict(Users=[dict(Name="none")])),
        ("AlterUserScramCredentials", 0, dict(Deletions=[dict(Name="none", Mechanism=1)], Upsertions=[])),
        ("DescribeLogDirs", 1, dict(Topics=[dict(Topic="none", Partitions=[0])])),
        ("ElectLeaders", 0, dict(ElectionType=0, TopicPartitions=[dict(Topic=topic, Partitions=[0])], TimeoutMs=60000)),
        ("AddPartitionsToTxn", 0, dict(V3AndBelowTransactionalId="stranger", V3AndBelowProducerId=77, V3AndBelowProducerEpoch=0,
                                       V3AndBelowTopics=[dict(Name=topic, Partitions=[0])], Transactions=[dict(
                                           TransactionalId="stranger", ProducerId=77, ProducerEpoch=0, VerifyOnly=False,
                                           Topics=[dict(Name=topic, Partitions=[0])])])),
        ("AddOffsetsToTxn", 0, dict(TransactionalId="stranger", ProducerId=77, ProducerEpoch=0, GroupId=group)),
        ("EndTxn", 0, dict(TransactionalId="stranger", ProducerId=77, ProducerEpoch=0, Committed=True)),
        ("TxnOffsetCommit", 0, dict(TransactionalId="stranger", GroupId=group, ProducerId=77, ProducerEpoch=0, GenerationId=-1,
                                    MemberId="", GroupInstanceId=None, Topics=partitions(topic))),
        ("WriteTxnMarkers", 1, dict(Markers=[])),
        ("DescribeTransactions", 0, dict(TransactionalIds=["stranger"])),
        ("ListTransactions", 0, dict(StateFilters=[], ProducerIdFilters=[77], DurationFilter=-1, TransactionalIdPattern=None)),
        ("ConsumerGroupDescribe", 0, dict(GroupIds=[group], IncludeAuthorizedOperations=True)),
        ("ConsumerGroupHeartbeat", 0, dict(GroupId=group, MemberId="nobody", MemberEpoch=5, InstanceId=None, RackId=None,
                                           RebalanceTimeoutMs=1000, SubscribedTopicNames=[topic], SubscribedTopicRegex=None,
                                           ServerAssignor=None, TopicPartitions=[])),
        ("DescribeProducers", 0, dict(Topics=[dict(Name=topic, PartitionIndexes=[0])])),
    ]


def ask_everything(alice, topic, group):
    for name, low, body in requests(topic, group):
        for version in alice.versions(name, low):
            if version in served(alice.weir, name):
                alice.same(name, version, body)


def served(peer, name):
    """What this broker advertises of an API."""
    if not hasattr(peer, "served"):
        peer.served = {key["ApiKey"]: range(key["MinVersion"], key["MaxVersion"] + 1)
                       for key in peer.call("ApiVersions", 0, {})["ApiKeys"]}
    return peer.served.get(peer.codec.requests[name].key, ())


# Beside what allowed.py allows.
OTHERWISE = (
    ".ErrorMessage", ".ThrottleTimeMs", ".ClusterId", ".MemberId:", ".ProducerId:", ".ProducerEpoch:",  # words, chance, history
    "CreateAcls.Results[0].ErrorCode: Kafka -1, weir 42",  # an error Kafka did not think of; ours is that of the others
    # a topic made by asking for it is there at once
    "Metadata.Topics[orders-new].ErrorCode: Kafka 3, weir 0", "Metadata.Topics[orders-new].Partitions[0]: Kafka None",
    "Metadata.Topics[orders-new].TopicId: Kafka b'\\x00",
)


def told_otherwise(line):
    return any(word in line for word in OTHERWISE)


def differences(pair):
    return [found for found in pair.take() if not told_otherwise(found.split("\n")[0])]


RIGHTS = {
    "nothing": [],
    "the topic": [rule(TOPIC, "orders", ALL)],
    "looking at the topic": [rule(TOPIC, "orders", DESCRIBE)],
    "reading": [rule(TOPIC, "orders", READ), rule(GROUP, "readers", READ)],
    "writing": [rule(TOPIC, "ord", WRITE, pattern=PREFIXED)],
    "the group": [rule(GROUP, "readers", ALL)],
    "the cluster": [rule(CLUSTER, "kafka-cluster", ALL)],
    "looking at the cluster": [rule(CLUSTER, "kafka-cluster", DESCRIBE)],
    "creating": [rule(CLUSTER, "kafka-cluster", CREATE), rule(TOPIC, "*", DESCRIBE)],
    "all but writing": [rule(TOPIC, "*", ALL), rule(GROUP, "*", ALL), rule(TOPIC, "orders", WRITE, DENY)],
    "all but looking": [rule(TOPIC, "*", ALL), rule(GROUP, "*", ALL), rule(TOPIC, "ord", DESCRIBE, DENY, PREFIXED),
                        rule(GROUP, "readers", DESCRIBE, DENY)],
    "the stranger's transactions": [rule(TXN, "stranger", ALL), rule(TOPIC, "orders", ALL), rule(GROUP, "readers", READ)],
    "transactions": [rule(TXN, "txn", WRITE), rule(TXN, "txn", DESCRIBE), rule(TOPIC, "orders", WRITE)],
    "another's": [rule(TOPIC, "orders", ALL, principal="User:bob"), rule(TOPIC, "orders", READ, host="10.1.2.3")],
}


def coordinators_ready(admin):
    """Kafka makes the topics of its coordinators when they are first asked for."""
    ready(admin)
    transactions_ready(admin)
    for group in ("readers", "not-readers"):
        admin.until("Heartbeat", 4, dict(GroupId=group, GenerationId=1, MemberId="nobody", GroupInstanceId=None),
                    lambda a: a["ErrorCode"] == 25)
    admin.kafka.until("InitProducerId", 4, dict(TransactionalId="txn", TransactionTimeoutMs=60000, ProducerId=-1, ProducerEpoch=-1),
                      lambda a: a["ErrorCode"] == 0)


@pytest.mark.parametrize("rights", RIGHTS)
def test_every_api_is_allowed_or_refused_alike(peers, rights):
    admin, alice = peers
    topics(admin, "orders", "others")
    coordinators_ready(admin)
    for pair in (admin, alice):
        for peer in (pair.kafka, pair.weir):
            body = dict(Topics=[dict(TopicId=bytes(16), Name="orders")], AllowAutoTopicCreation=False)
            source = admin.kafka if peer.name == "kafka" else admin.weir
            peer.learn("id of orders", source.call("Metadata", 12, body)["Topics"][0]["TopicId"])
    start_anew(admin, *RIGHTS[rights])
    alice.same("Metadata", 12, dict(Topics=None, IncludeTopicAuthorizedOperations=True), settle=True)
    alice.take()
    ask_everything(alice, "orders", "readers")
    found = differences(alice)
    assert not found, "\n".join(found)


def test_random_rules_decide_alike(peers):
    """The operations alice may do with each of many topics, under rules made up by chance."""
    admin, alice = peers
    names = ["a", "ab", "abc", "abd", "b", "b.c", "b.d"]
    topics(admin, *names)
    chance = random.Random(4)
    wanted = [dict(TopicId=bytes(16), Name=name) for name in names]
    for _ in range(60):
        rules = [rule(TOPIC, chance.choice(names + ["*", "zz"]), chance.choice([ALL, READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, 10, 11]),
                      chance.choice([ALLOW, ALLOW, DENY]), chance.choice([LITERAL, PREFIXED]),
                      chance.choice(["User:alice", "User:*", "User:bob"]), chance.choice(["*", "127.0.0.1", "10.0.0.1"]))
                 for _ in range(chance.randrange(1, 12))]
        start_anew(admin, *rules)
        for body in (dict(Topics=wanted, AllowAutoTopicCreation=False, IncludeTopicAuthorizedOperations=True),
                     dict(Topics=None, IncludeTopicAuthorizedOperations=True)):
            alice.same("Metadata", 10, body, note=repr(rules), settle=True)
        found = differences(alice)
        assert not found, "\n".join(found)


def test_acls_are_managed_alike(peers):
    admin, _ = peers
    start_anew(admin)
    good = [rule(TOPIC, "t", READ), rule(TOPIC, "t", READ), rule(TOPIC, "t", WRITE, DENY, PREFIXED), rule(GROUP, "*", ALL),
            rule(CLUSTER, "kafka-cluster", ALTER), rule(6, "token", DESCRIBE), rule(7, "User:x", 13), rule(TXN, "x", 15)]
    bad = [rule(1, "t", READ), rule(TOPIC, "", READ), rule(CLUSTER, "other", READ), rule(TOPIC, "t", 1),
           rule(TOPIC, "t", READ, 1), rule(TOPIC, "t", READ, pattern=2), rule(TOPIC, "t", READ, principal="alice")]
    for version in admin.versions("CreateAcls"):
        rules = [dict(one, ResourcePatternType=LITERAL) if version == 0 else one for one in good]
        admin.same("CreateAcls", version, dict(Creations=rules))
        for one in bad:
            admin.same("CreateAcls", version, dict(Creations=[one]))
    filters = [every(), dict(every(), ResourceTypeFilter=TOPIC), dict(every(), ResourceNameFilter="t", PatternTypeFilter=2),
               dict(every(), ResourceNameFilter="t", PatternTypeFilter=3), dict(every(), PrincipalFilter="User:alice"),
               dict(every(), PrincipalFilter="User:none"), dict(every(), HostFilter="*", Operation=READ),
               dict(every(), PermissionType=DENY), dict(every(), ResourceTypeFilter=TOPIC, ResourceNameFilter="tt", PatternTypeFilter=2),
               dict(every(), Operation=99), dict(every(), ResourceTypeFilter=99)]
    for version in admin.versions("DescribeAcls"):
        for one in filters:
            admin.same("DescribeAcls", version, one, settle=True)
    for one in filters[1:]:
        admin.same("DeleteAcls", 3, dict(Filters=[one]))
    admin.same("DescribeAcls", 3, every(), settle=True)
    found = differences(admin)
    assert not found, "\n".join(found)


def upsertion(name, mechanism=1, iterations=4096, salted=bytes(32)):
    return dict(Name=name, Mechanism=mechanism, Iterations=iterations, Salt=b"salt", SaltedPassword=salted)


def test_scram_credentials_are_managed_alike(peers):
    admin, _ = peers
    alter = [([], [upsertion("u1")]), ([], [upsertion("u2", 2, salted=bytes(64)), upsertion("u3", iterations=16384)]),
             ([], [upsertion("u1"), upsertion("u1")]), ([], [upsertion("u1", iterations=4095)]),
             ([], [upsertion("u1", iterations=16385)]), ([], [upsertion("")]), ([], [upsertion("u1", mechanism=0)]),
             ([], [upsertion("u1", mechanism=3)]), ([dict(Name="none", Mechanism=1)], []),
             ([dict(Name="u1", Mechanism=2)], []), ([dict(Name="u3", Mechanism=1)], [upsertion("u3")]),
             ([dict(Name="u3", Mechanism=1), dict(Name="u2", Mechanism=2)], [upsertion("u4")])]
    ask = [[dict(Name="u1")], [dict(Name="u1"), dict(Name="none")], [dict(Name="u1"), dict(Name="u1")]]
    for deletions, upsertions in alter:
        admin.same("AlterUserScramCredentials", 0, dict(Deletions=deletions, Upsertions=upsertions))
        for users in ask:
            admin.same("DescribeUserScramCredentials", 0, dict(Users=users), settle=True)
    found = differences(admin)
    assert not found, "\n".join(found)


def quota(entity, *ops):
    return dict(Entity=[dict(EntityType=kind, EntityName=name) for kind, name in entity],
                Ops=[dict(Key=key, Value=float(value or 0), Remove=value is None) for key, value in ops])


def test_quotas_are_managed_alike(peers):
    admin, _ = peers
    rate, read = "producer_byte_rate", "consumer_byte_rate"
    entries = [quota([("user", "u")], (rate, 1000)), quota([("user", None)], (rate, 2000), (read, 3000)),
               quota([("client-id", "c")], (read, 10)), quota([("user", "u"), ("client-id", None)], (rate, 5)),
               quota([("user", None), ("client-id", "c")], (rate, 6)), quota([("user", "u")], ("nonsense", 1)),
               quota([("user", "u")], (rate, 0)), quota([("user", "u")], (rate, -1)), quota([("user", "u")], (rate, 1.5)),
               quota([], (rate, 1)), quota([("planet", "x")], (rate, 1)), quota([("user", "u")], (read, None)),
               quota([("client-id", "c")], (read, None)), quota([("user", "u")], (rate, 7), (read, 8))]
    filters = [[], [("user", 0, "u")], [("user", 1, None)], [("user", 2, None)], [("client-id", 2, None)],
               [("user", 0, "u"), ("client-id", 1, None)], [("user", 2, None), ("client-id", 2, None)], [("ip", 2, None)],
               [("user", 0, None)], [("user", 1, "x")], [("user", 9, None)], [("", 2, None)], [("planet", 2, None)],
               [("user", 2, None), ("user", 2, None)], [("ip", 2, None), ("user", 2, None)]]
    for entry in entries:
        for version in admin.versions("AlterClientQuotas"):
            admin.same("AlterClientQuotas", version, dict(Entries=[entry], ValidateOnly=True))
            admin.same("AlterClientQuotas", version, dict(Entries=[entry], ValidateOnly=False))
        for components in filters:
            for strict in (False, True):
                body = dict(Components=[dict(EntityType=kind, MatchType=match, Match=name) for kind, match, name in components],
                            Strict=strict)
                admin.same("DescribeClientQuotas", 1, body, settle=True)
    found = differences(admin)
    assert not found, "\n".join(found)
