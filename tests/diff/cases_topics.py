# SPDX-License-Identifier: Apache-2.0
"""Topics made, looked at, grown, deleted."""
from codec import ZERO_ID
from pair import Var

ODD_NAMES = ("", ".", "..", "a b", "ä", "x" * 249, "x" * 250, "a/b", "a:b", "-", "_", "a..b", "__consumer_offsets",
             "__transaction_state")
NOBODY = bytes(range(16))


def create(d, name, partitions=1, configs=(), assignments=()):
    """Made on both, and seen by Kafka's broker too."""
    topic = dict(Name=name, NumPartitions=-1 if assignments else partitions, ReplicationFactor=-1 if assignments else 1,
                 Assignments=list(assignments), Configs=[dict(Name=k, Value=v) for k, v in configs])
    d.same("CreateTopics", 7, dict(Topics=[topic], timeoutMs=60000))
    settled(d, name)


def metadata(*names):
    return dict(Topics=[dict(Name=name) for name in names], AllowAutoTopicCreation=False)


def settled(d, *names):
    d.until("Metadata", 12, metadata(*names), lambda answer: all(
        topic["ErrorCode"] == 0 and all(p["LeaderId"] == 1 for p in topic["Partitions"]) for topic in answer["Topics"]))
    known, _ = d.same("Metadata", 12, metadata(*names), settle=True)
    for topic in known["Topics"]:  # the metadata is there before the partitions are, and they come one by one
        d.until("ListOffsets", 7, dict(ReplicaId=-1, Topics=[dict(Name=topic["Name"], Partitions=[
            dict(PartitionIndex=p["PartitionIndex"], CurrentLeaderEpoch=-1, Timestamp=-1) for p in topic["Partitions"]])]),
                lambda answer: all(p["ErrorCode"] == 0 for p in answer["Topics"][0]["Partitions"]))


def case_create_topics(d):
    topics = [
        dict(NumPartitions=1, ReplicationFactor=1),
        dict(NumPartitions=3, ReplicationFactor=1),
        dict(NumPartitions=-1, ReplicationFactor=-1),
        dict(NumPartitions=-1, ReplicationFactor=1),
        dict(NumPartitions=0, ReplicationFactor=1),
        dict(NumPartitions=-2, ReplicationFactor=1),
        dict(NumPartitions=1, ReplicationFactor=0),
        dict(NumPartitions=1, ReplicationFactor=-2),
        dict(NumPartitions=1, ReplicationFactor=1, Configs=[dict(Name="retention.ms", Value="100000")]),
        dict(NumPartitions=1, ReplicationFactor=1, Configs=[dict(Name="retention.ms", Value="x")]),
        dict(NumPartitions=1, ReplicationFactor=1, Configs=[dict(Name="no.such", Value="1")]),
        dict(NumPartitions=1, ReplicationFactor=1, Configs=[dict(Name="retention.ms", Value=None)]),
        dict(NumPartitions=1, ReplicationFactor=1, Configs=[dict(Name="", Value="1")]),
        dict(NumPartitions=1, ReplicationFactor=1, Configs=[dict(Name="retention.ms", Value="1"),
                                                            dict(Name="retention.ms", Value="2")]),
        dict(NumPartitions=-1, ReplicationFactor=-1, Assignments=[dict(PartitionIndex=0, BrokerIds=[1])]),
        dict(NumPartitions=1, ReplicationFactor=-1, Assignments=[dict(PartitionIndex=0, BrokerIds=[1])]),
        dict(NumPartitions=-1, ReplicationFactor=1, Assignments=[dict(PartitionIndex=0, BrokerIds=[1])]),
        dict(NumPartitions=1, ReplicationFactor=1, Assignments=[dict(PartitionIndex=0, BrokerIds=[1])]),
        dict(NumPartitions=-1, ReplicationFactor=-1, Assignments=[dict(PartitionIndex=0, BrokerIds=[7])]),
        dict(NumPartitions=-1, ReplicationFactor=-1, Assignments=[dict(PartitionIndex=0, BrokerIds=[])]),
        dict(NumPartitions=-1, ReplicationFactor=-1, Assignments=[dict(PartitionIndex=0, BrokerIds=[1, 1])]),
        dict(NumPartitions=-1, ReplicationFactor=-1, Assignments=[dict(PartitionIndex=1, BrokerIds=[1])]),
        dict(NumPartitions=-1, ReplicationFactor=-1, Assignments=[dict(PartitionIndex=0, BrokerIds=[1]),
                                                                  dict(PartitionIndex=0, BrokerIds=[1])]),
        dict(NumPartitions=-1, ReplicationFactor=-1, Assignments=[dict(PartitionIndex=1, BrokerIds=[1]),
                                                                  dict(PartitionIndex=0, BrokerIds=[1])]),
        dict(NumPartitions=-1, ReplicationFactor=-1, Assignments=[dict(PartitionIndex=-1, BrokerIds=[1])]),
    ]
    for v in d.versions("CreateTopics"):
        for i, topic in enumerate(topics):
            for only in (True, False):
                name = "make-%d-%d" % (v, i)
                d.same("CreateTopics", v, dict(Topics=[dict(topic, Name=name)], validateOnly=only, timeoutMs=60000))
        for name in ODD_NAMES:
            if v < 7 and len(name) == 249:
                continue
            d.same("CreateTopics", v, dict(Topics=[dict(Name=name, NumPartitions=1, ReplicationFactor=1)], timeoutMs=60000,
                                           validateOnly=True))
        plain = dict(Name="make-%d-0" % v, NumPartitions=1, ReplicationFactor=1)
        d.same("CreateTopics", v, dict(Topics=[plain], timeoutMs=60000), note="again")
        d.same("CreateTopics", v, dict(Topics=[], timeoutMs=60000))
        two = dict(plain, Name="make-%d-two" % v)
        d.same("CreateTopics", v, dict(Topics=[two, two, dict(plain, Name="make-%d-three" % v)], timeoutMs=60000), note="twice in one")
        d.same("CreateTopics", v, dict(Topics=[dict(plain, Name="col.%d_a" % v)], timeoutMs=60000))
        d.same("CreateTopics", v, dict(Topics=[dict(plain, Name="col_%d.a" % v)], timeoutMs=60000), note="collides")
        d.same("CreateTopics", v, dict(Topics=[dict(plain, Name="col-%d.b" % v), dict(plain, Name="col-%d_b" % v)],
                                       timeoutMs=60000), note="collides within the request")
        d.same("CreateTopics", v, dict(Topics=[dict(plain, Name="make-%d-zero" % v)], timeoutMs=60000), note="plain")


def case_metadata(d):
    create(d, "meta-a", 3)
    create(d, "meta-b")
    for v in d.versions("Metadata"):
        asks = [["meta-a"], ["meta-a", "meta-b"], ["meta-a", "meta-a"], ["meta-absent"], ["meta-b", "meta-absent", "meta-a"]]
        for names in asks + [[name] for name in ODD_NAMES[:10]]:
            d.same("Metadata", v, dict(Topics=[dict(Name=n) for n in names], AllowAutoTopicCreation=False), client="diff") \
                if v >= 4 or not {"meta-absent", "-", "_", "a..b", "x" * 249} & set(names) else None
        for extra in (dict(IncludeClusterAuthorizedOperations=True), dict(IncludeTopicAuthorizedOperations=True)):
            if v >= 8:
                body = dict(extra, Topics=[dict(Name="meta-a"), dict(Name="meta-absent")], AllowAutoTopicCreation=False)
                d.same("Metadata", v, {k: x for k, x in body.items() if v < 11 or not k.startswith("IncludeCluster")})
        if v >= 1:
            d.same("Metadata", v, dict(Topics=[], AllowAutoTopicCreation=False))
        d.same("Metadata", v, dict(Topics=None if v else [], AllowAutoTopicCreation=False), note="all", settle=True)
        if v >= 10:
            d.same("Metadata", v, dict(Topics=[dict(Name="meta-a", TopicId=Var("id of meta-a"))], AllowAutoTopicCreation=False))
            d.same("Metadata", v, dict(Topics=[dict(Name="meta-a", TopicId=NOBODY)], AllowAutoTopicCreation=False))
            d.same("Metadata", v, dict(Topics=[dict(Name=None, TopicId=NOBODY)], AllowAutoTopicCreation=False))
            if v < 12:  # then Kafka fails with an exception
                d.same("Metadata", v, dict(Topics=[dict(Name=None, TopicId=ZERO_ID)], AllowAutoTopicCreation=False))
            d.same("Metadata", v, dict(Topics=[dict(Name=None, TopicId=Var("id of meta-a"))], AllowAutoTopicCreation=False))
            d.same("Metadata", v, dict(Topics=[dict(Name=None, TopicId=Var("id of meta-a")), dict(Name="meta-b")],
                                       AllowAutoTopicCreation=False))
            d.same("Metadata", v, dict(Topics=[dict(Name=None, TopicId=NOBODY), dict(Name=None, TopicId=Var("id of meta-b"))],
                                       AllowAutoTopicCreation=True))


def case_metadata_makes_topics(d):
    for v in d.versions("Metadata"):
        name = "meta-made-%d" % v
        d.same("Metadata", v, dict(Topics=[dict(Name=name)], AllowAutoTopicCreation=True), note="first ask")
        settled(d, name)
        d.same("Metadata", v, dict(Topics=[dict(Name=name)], AllowAutoTopicCreation=True), note="then")
        d.same("Metadata", v, dict(Topics=[dict(Name="a b")], AllowAutoTopicCreation=True))


def case_create_partitions(d):
    create(d, "grow", 2)
    create(d, "grow-other", 1)
    count = 2
    for v in d.versions("CreatePartitions"):
        def ask(topics, only=False, note=""):
            return d.same("CreatePartitions", v, dict(Topics=topics, TimeoutMs=60000, ValidateOnly=only), note=note)
        for only in (True, False):
            for wanted in (0, -1, 1, count, 1000000000):
                if wanted < 10:
                    ask([dict(Name="grow", Count=wanted, Assignments=None)], only)
            ask([dict(Name="absent", Count=3, Assignments=None)], only)
            ask([dict(Name="", Count=3, Assignments=None)], only)
            ask([dict(Name="a b", Count=3, Assignments=None)], only)
            ask([dict(Name="grow", Count=count + 1, Assignments=[])], True)
            ask([dict(Name="grow", Count=count + 1, Assignments=[dict(BrokerIds=[9])])], only)
            ask([dict(Name="grow", Count=count + 1, Assignments=[dict(BrokerIds=[])])], only)
            ask([dict(Name="grow", Count=count + 1, Assignments=[dict(BrokerIds=[1, 1])])], only)
            ask([dict(Name="grow", Count=count + 1, Assignments=[dict(BrokerIds=[1]), dict(BrokerIds=[1])])], only)
            ask([dict(Name="grow", Count=count + 2, Assignments=[dict(BrokerIds=[1])])], only)
            ask([], only)
        ask([dict(Name="grow", Count=count + 1, Assignments=None)], True)
        ask([dict(Name="grow", Count=count + 1, Assignments=None), dict(Name="grow", Count=count + 2, Assignments=None)],
            note="twice in one")
        ask([dict(Name="grow", Count=count + 1, Assignments=None), dict(Name="absent", Count=9, Assignments=None)])
        ask([dict(Name="grow", Count=count + 2, Assignments=[dict(BrokerIds=[1])])])
        count += 2
        d.same("Metadata", 12, metadata("grow"), settle=True)


def case_describe_topic_partitions(d):
    for name, count in (("dtp-a", 5), ("dtp-b", 1), ("dtp-c", 3)):
        create(d, name, count)
    names = [dict(Name=name) for name in ("dtp-c", "dtp-a", "dtp-b")]

    def ask(topics, limit=2000, cursor=None):
        return d.same("DescribeTopicPartitions", 0, dict(Topics=topics, ResponsePartitionLimit=limit, Cursor=cursor), settle=True)
    for limit in (2000, 1, 2, 5, 6, 7, 9, 10, 0, -1, 1 << 30):
        ask(names, limit)
        for topic, index in (("dtp-a", 0), ("dtp-a", 2), ("dtp-a", 5), ("dtp-a", 99), ("dtp-a", -1), ("dtp-b", 0), ("dtp-aa", 0),
                             ("dtp-c", 2), ("zzz", 0), ("", 0), ("absent", 0)):
            ask(names, limit, dict(TopicName=topic, PartitionIndex=index))
    ask([])
    for name in ("absent",) + ODD_NAMES[1:]:  # Kafka fails with an exception at the empty name
        ask([dict(Name=name)])
    ask([dict(Name="dtp-a"), dict(Name="dtp-a"), dict(Name="absent"), dict(Name="dtp-b")])
    ask([dict(Name="dtp-a"), dict(Name="absent"), dict(Name="dtp-b")], 3)
    ask([dict(Name="absent"), dict(Name="zz-absent")], 1)


def case_delete_topics(d):
    for v in d.versions("DeleteTopics"):
        names = ["gone-%d-%d" % (v, i) for i in range(4)]
        for name in names:
            create(d, name)

        def ask(topics, note=""):
            d.same("DeleteTopics", v, dict(Topics=topics, TopicNames=[t.get("Name") for t in topics] if v < 6 else [],
                                           TimeoutMs=60000), note=note)
        ask([dict(Name=names[0])])
        d.until("Metadata", 12, metadata(names[0]), lambda answer: answer["Topics"][0]["ErrorCode"] == 3)
        ask([dict(Name=names[0])], "again")
        ask([dict(Name="absent"), dict(Name=names[1]), dict(Name="a b"), dict(Name="")])
        ask([dict(Name=names[2]), dict(Name=names[2])], "twice in one")
        ask([])
        if v >= 6:
            ask([dict(Name=None, TopicId=NOBODY)])
            ask([dict(Name=None, TopicId=ZERO_ID)])
            ask([dict(Name="gone", TopicId=NOBODY)])
            ask([dict(Name=names[3], TopicId=Var("id of " + names[3]))])
            ask([dict(Name=names[3]), dict(Name=None, TopicId=Var("id of " + names[3]))], "by name and by id")
            ask([dict(Name=None, TopicId=NOBODY), dict(Name=None, TopicId=NOBODY)], "unknown id twice")
            ask([dict(Name=None, TopicId=Var("id of " + names[3]))])
            d.until("Metadata", 12, metadata(names[3]), lambda answer: answer["Topics"][0]["ErrorCode"] == 3)
            ask([dict(Name=None, TopicId=Var("id of " + names[3]))], "id again")
