# SPDX-License-Identifier: Apache-2.0
"""Consumer groups: members come, agree, commit and go; and everything they may get wrong."""
from cases_topics import NOBODY, create
from codec import ZERO_ID
from pair import Var

SUBSCRIPTION = b"\0\0\0\0\0\1\0\7grp-top\xff\xff\xff\xff"
ASSIGNMENT = b"\0\0\0\0\0\1\0\7grp-top\0\0\0\1\0\0\0\0\xff\xff\xff\xff"
PATIENT_MS = 600000  # nobody is given up because a machine pauses


def one_of_each_partition(count=50):
    """Names that Kafka's coordinators keep in as many partitions of their topics as there are: by Java's hash of a string."""
    names = {}
    for number in range(10000):
        code = 0
        for char in "warm-%d" % number:
            code = code * 31 + ord(char) & 0xFFFFFFFF
        names.setdefault((code & 0x7FFFFFFF) % count, "warm-%d" % number)
    assert len(names) == count
    return sorted(names.values())


def ready(d):
    """Kafka's coordinator has made its topic, and loaded each partition of it: they are loaded one by one."""
    d.kafka.until("FindCoordinator", 4, dict(KeyType=0, CoordinatorKeys=["g"]), lambda a: a["Coordinators"][0]["ErrorCode"] == 0)
    for group in one_of_each_partition():
        d.kafka.until("OffsetFetch", 7, dict(GroupId=group, Topics=None), lambda a: a["ErrorCode"] == 0)


def transactions_ready(d):
    d.kafka.until("FindCoordinator", 4, dict(KeyType=1, CoordinatorKeys=["t"]), lambda a: a["Coordinators"][0]["ErrorCode"] == 0)
    d.kafka.until("DescribeTransactions", 0, dict(TransactionalIds=one_of_each_partition()),
                  lambda a: all(one["ErrorCode"] == 105 for one in a["TransactionStates"]))  # no such id


def heard_of(d, topic):
    """Each of Kafka's coordinators hears of a new topic by itself, a little after its broker: one group of each asks for it."""
    hello = dict(MemberId="probe", MemberEpoch=0, RebalanceTimeoutMs=PATIENT_MS, SubscribedTopicNames=[topic], TopicPartitions=[])
    for group in one_of_each_partition():
        d.until("ConsumerGroupHeartbeat", 1, dict(hello, GroupId=group),
                lambda answer: (answer["Assignment"] or {}).get("TopicPartitions"))
        d.same("ConsumerGroupHeartbeat", 1, dict(GroupId=group, MemberId="probe", MemberEpoch=-1, RebalanceTimeoutMs=-1))
        d.same("DeleteGroups", 2, dict(GroupsNames=[group]))


def join(group, member="", instance=None, **more):
    return dict(dict(GroupId=group, SessionTimeoutMs=PATIENT_MS, RebalanceTimeoutMs=PATIENT_MS, MemberId=member, GroupInstanceId=instance,
                     ProtocolType="consumer", Protocols=[dict(Name="range", Metadata=SUBSCRIPTION)], Reason="why"), **more)


def only(name, version, body):
    """Without the fields that came later, which may not be set in older versions."""
    since = dict(JoinGroup=dict(GroupInstanceId=5, Reason=8, RebalanceTimeoutMs=1), SyncGroup=dict(GroupInstanceId=3, ProtocolType=5, ProtocolName=5),
                 Heartbeat=dict(GroupInstanceId=3), OffsetCommit=dict(GroupInstanceId=7))
    return {key: value for key, value in body.items() if version >= since.get(name, {}).get(key, 0)}


def case_groups(d):
    ready(d)
    create(d, "grp-top", 2)
    for v in d.versions("JoinGroup"):
        group = "classic-%d" % v
        sync_v, beat_v, leave_v, commit_v, fetch_v, describe_v = min(v, 5), min(v, 4), min(v, 5), min(v + 2, 9), min(v + 1, 9), min(v, 6)
        me = Var("member of " + group)

        def ask(name, version, note, **body):
            return d.same(name, version, only(name, version, body), note="%s (%s)" % (note, group))
        answers = ask("JoinGroup", v, "first join", **join(group))
        d.learn(me.label, answers, lambda answer: answer["MemberId"])
        if v >= 4:
            ask("JoinGroup", v, "join with the id", **join(group, me))
        ask("DescribeGroups", describe_v, "rebalancing", Groups=[group])
        ask("Heartbeat", beat_v, "before sync", GroupId=group, GenerationId=1, MemberId=me)
        ask("SyncGroup", sync_v, "wrong generation", GroupId=group, GenerationId=7, MemberId=me, ProtocolType="consumer",
            ProtocolName="range", Assignments=[])
        if v >= 5:
            ask("SyncGroup", 5, "wrong protocol", GroupId=group, GenerationId=1, MemberId=me, ProtocolType="consumer",
                ProtocolName="nope", Assignments=[])
            ask("SyncGroup", 5, "wrong type", GroupId=group, GenerationId=1, MemberId=me, ProtocolType="connect",
                ProtocolName="range", Assignments=[])
        ask("SyncGroup", sync_v, "sync", GroupId=group, GenerationId=1, MemberId=me, ProtocolType="consumer", ProtocolName="range",
            Assignments=[dict(MemberId=me, Assignment=ASSIGNMENT)])
        ask("SyncGroup", sync_v, "sync again", GroupId=group, GenerationId=1, MemberId=me, ProtocolType="consumer",
            ProtocolName="range", Assignments=[])
        for generation, member, note in ((1, me, "fine"), (2, me, "newer generation"), (0, me, "older generation"),
                                         (-1, me, "no generation"), (1, "nobody", "unknown member"), (1, "", "no member")):
            ask("Heartbeat", beat_v, note, GroupId=group, GenerationId=generation, MemberId=member)
            ask("OffsetCommit", commit_v, note, GroupId=group, GenerationIdOrMemberEpoch=generation, MemberId=member, Topics=[dict(
                Name="grp-top", Partitions=[dict(PartitionIndex=0, CommittedOffset=5, CommittedMetadata="m"),
                                            dict(PartitionIndex=1, CommittedOffset=6, CommittedMetadata=None)])])
        for name in ("absent-group", ""):
            ask("Heartbeat", beat_v, "group %r" % name, GroupId=name, GenerationId=1, MemberId="m")
            ask("SyncGroup", sync_v, "group %r" % name, GroupId=name, GenerationId=1, MemberId="m", ProtocolType="consumer",
                ProtocolName="range", Assignments=[])
            ask("LeaveGroup", leave_v, "group %r" % name, GroupId=name, MemberId="m", Members=[dict(MemberId="m")])
            ask("JoinGroup", v, "group %r, member of nobody" % name, **join(name, "m"))
        ask("JoinGroup", v, "unknown member", **join(group, "nobody"))
        ask("JoinGroup", v, "another protocol type", **join(group, me, ProtocolType="connect"))
        ask("JoinGroup", v, "no common protocol", **join(group, "", Protocols=[dict(Name="other", Metadata=b"")]))
        ask("JoinGroup", v, "no protocols", **join(group, me, Protocols=[]))
        ask("JoinGroup", v, "no protocol type", **join(group, me, ProtocolType=""))
        for session in (0, 1, 5999, -1, 1800001, 2147483647):
            ask("JoinGroup", v, "session of %d" % session, **join(group + "-s", "", SessionTimeoutMs=session))
        ask("DescribeGroups", describe_v, "stable", Groups=[group])
        ask("DescribeGroups", describe_v, "several", Groups=[group, "absent-group", "", group])
        if v >= 3:
            ask("DescribeGroups", describe_v, "operations", Groups=[group, "absent-group"], IncludeAuthorizedOperations=True)
        ask("OffsetFetch", fetch_v, "committed", **offset_fetch(fetch_v, group, [("grp-top", [0, 1, 2, -1]), ("absent", [0])]))
        if fetch_v >= 2:
            ask("OffsetFetch", fetch_v, "all", **offset_fetch(fetch_v, group, None))
        ask("OffsetFetch", fetch_v, "nothing", **offset_fetch(fetch_v, group, []))
        ask("OffsetFetch", fetch_v, "absent group", **offset_fetch(fetch_v, "absent-group", [("grp-top", [0])]))
        ask("DeleteGroups", min(v, 2), "not empty", GroupsNames=[group])
        for nobody in ("", "no-such-group"):
            ask("OffsetDelete", 0, "group %r" % nobody, GroupId=nobody, Topics=[dict(Name="grp-top", Partitions=[dict(PartitionIndex=0)])])
        ask("OffsetDelete", 0, "subscribed", GroupId=group, Topics=[dict(Name="grp-top", Partitions=[dict(PartitionIndex=0)])])
        ask("LeaveGroup", leave_v, "unknown member", GroupId=group, MemberId="nobody", Members=[dict(MemberId="nobody")])
        ask("LeaveGroup", leave_v, "leave", GroupId=group, MemberId=me, Members=[dict(MemberId=me)])
        ask("LeaveGroup", leave_v, "leave again", GroupId=group, MemberId=me, Members=[dict(MemberId=me)])
        ask("DescribeGroups", describe_v, "empty", Groups=[group])
        ask("Heartbeat", beat_v, "after leaving", GroupId=group, GenerationId=1, MemberId=me)
        ask("OffsetDelete", 0, "empty", GroupId=group, Topics=[dict(Name="grp-top", Partitions=[
            dict(PartitionIndex=0), dict(PartitionIndex=9)]), dict(Name="absent", Partitions=[dict(PartitionIndex=0)])])
        ask("OffsetFetch", fetch_v, "one deleted", **offset_fetch(fetch_v, group, [("grp-top", [0, 1])]))
        d.same("DeleteGroups", min(v, 2), dict(GroupsNames=["absent-group", "absent-group"]), note="delete, one of them twice")
        ask("DeleteGroups", min(v, 2), "delete", GroupsNames=[group, "absent-group", ""])
        ask("DescribeGroups", describe_v, "deleted", Groups=[group])


def offset_fetch(version, group, topics, stable=False, by_id=False):
    """Both shapes of the request."""
    topics = None if topics is None else [
        dict(TopicId=name, PartitionIndexes=parts) if by_id else dict(Name=name, PartitionIndexes=parts) for name, parts in topics]
    body = dict(Groups=[dict(GroupId=group, Topics=topics)]) if version >= 8 else dict(GroupId=group, Topics=topics)
    return dict(body, RequireStable=stable) if version >= 7 else body


def case_offsets_without_members(d):
    ready(d)
    create(d, "off-top", 2)
    for v in d.versions("OffsetCommit"):
        group = "simple-%d" % v
        fetch_v = min(max(v - 1, 1), 9) if v < 10 else 10

        def commit(note, topics, group=group, generation=-1, member=""):
            d.same("OffsetCommit", v, dict(GroupId=group, GenerationIdOrMemberEpoch=generation, MemberId=member, Topics=[
                dict(Name=name if isinstance(name, str) else "", TopicId=name if not isinstance(name, str) else ZERO_ID, Partitions=[
                    dict(PartitionIndex=p, CommittedOffset=o, CommittedMetadata=m) for p, o, m in parts])
                for name, parts in topics]), note=note)
        top = "off-top" if v < 10 else Var("id of off-top")
        commit("plain", [(top, [(0, 3, "x"), (1, 4, None)])])
        commit("offsets that are none", [(top, [(0, -1, ""), (1, -5, "")])])
        commit("partitions that are none", [(top, [(7, 1, ""), (-1, 1, "")])])
        commit("metadata of 4096 and 4097", [(top, [(0, 9, "x" * 4096), (1, 9, "x" * 4097)])])
        commit("a topic that is none", [("absent" if v < 10 else NOBODY, [(0, 1, "")]), (top, [(0, 10, "")])])
        if v >= 10:
            commit("the zero id", [(ZERO_ID, [(0, 1, "")])])
        commit("one partition twice", [(top, [(0, 11, "a"), (0, 12, "b")])])
        commit("nothing", [])
        commit("no partitions", [(top, [])])
        commit("no group", [(top, [(0, 1, "")])], group="")
        commit("a generation", [(top, [(0, 1, "")])], generation=3)
        commit("a member", [(top, [(0, 1, "")])], member="m")
        asked = [(top if fetch_v >= 10 else "off-top", [0, 1, 5])]
        for stable in ((False, True) if fetch_v >= 7 else (False,)):
            d.same("OffsetFetch", fetch_v, offset_fetch(fetch_v, group, asked, stable, fetch_v >= 10))
            if fetch_v >= 2:
                d.same("OffsetFetch", fetch_v, offset_fetch(fetch_v, group, None, stable))
        d.same("OffsetFetch", fetch_v, offset_fetch(fetch_v, "", asked, by_id=fetch_v >= 10))
        if fetch_v >= 10:
            d.same("OffsetFetch", fetch_v, offset_fetch(fetch_v, group, [(NOBODY, [0]), (ZERO_ID, [0])], by_id=True))
        if fetch_v >= 8:
            d.same("OffsetFetch", fetch_v, dict(Groups=[dict(GroupId=g, Topics=None) for g in (group, "absent-group", group)]))
            d.same("OffsetFetch", fetch_v, dict(Groups=[]))
        if fetch_v >= 9:
            d.same("OffsetFetch", fetch_v, dict(Groups=[dict(GroupId=group, MemberId="m", MemberEpoch=3, Topics=None)]))
    for v in d.versions("ListGroups"):
        for states in ([], ["Empty"], ["empty"], ["Stable"], ["Nope"], ["Empty", "Stable"]) if v >= 4 else ([],):
            for types in ([], ["classic"], ["consumer"], ["Classic"], ["nope"]) if v >= 5 else ([],):
                body = dict(StatesFilter=states) if v >= 4 else {}
                d.same("ListGroups", v, dict(body, TypesFilter=types) if v >= 5 else body)


def case_static_members(d):
    ready(d)
    create(d, "grp-top", 2)
    for v in d.versions("JoinGroup", 5):
        group = "static-%d" % v
        first, second = Var("first of " + group), Var("second of " + group)

        def ask(name, version, note, **body):
            return d.same(name, version, only(name, version, body), note="%s (%s)" % (note, group))
        d.learn(first.label, ask("JoinGroup", v, "join", **join(group, instance="i")), lambda a: a["MemberId"])
        sync = dict(GroupId=group, ProtocolType="consumer", ProtocolName="range", GroupInstanceId="i")
        ask("SyncGroup", min(v, 5), "sync", GenerationId=1, MemberId=first, Assignments=[dict(MemberId=first, Assignment=ASSIGNMENT)], **sync)
        d.learn(second.label, ask("JoinGroup", v, "the same instance again", **join(group, instance="i")), lambda a: a["MemberId"])
        ask("Heartbeat", 4, "old id", GroupId=group, GenerationId=1, MemberId=first, GroupInstanceId="i")
        ask("Heartbeat", 4, "new id", GroupId=group, GenerationId=1, MemberId=second, GroupInstanceId="i")
        ask("Heartbeat", 4, "unknown instance", GroupId=group, GenerationId=1, MemberId=second, GroupInstanceId="other")
        ask("SyncGroup", min(v, 5), "old id", GenerationId=1, MemberId=first, Assignments=[], **sync)
        ask("SyncGroup", min(v, 5), "new id", GenerationId=1, MemberId=second, Assignments=[], **sync)
        ask("OffsetCommit", 8, "old id", GroupId=group, GenerationIdOrMemberEpoch=1, MemberId=first, GroupInstanceId="i", Topics=[
            dict(Name="grp-top", Partitions=[dict(PartitionIndex=0, CommittedOffset=1, CommittedMetadata="")])])
        ask("DescribeGroups", 5, "stable", Groups=[group])
        ask("LeaveGroup", min(v, 5), "by instance", GroupId=group, Members=[
            dict(MemberId="", GroupInstanceId="other"), dict(MemberId=first, GroupInstanceId="i")])
        ask("LeaveGroup", min(v, 5), "by instance, right", GroupId=group, Members=[dict(MemberId="", GroupInstanceId="i")])
        ask("DescribeGroups", 5, "gone", Groups=[group])


def case_consumer_groups(d):
    if "ConsumerGroupHeartbeat" not in d.served:
        return
    ready(d)
    create(d, "new-top", 2)
    heard_of(d, "new-top")
    for v in d.versions("ConsumerGroupHeartbeat"):
        group = "kip848-%d" % v
        me = Var("member of " + group) if v == 0 else "AAAAAAAAAAAAAAAAAAAAA%d" % v

        def beat(note, **body):
            return d.same("ConsumerGroupHeartbeat", v, dict(dict(GroupId=group, RebalanceTimeoutMs=-1), **body),
                          note="%s (%s)" % (note, group))
        hello = dict(MemberEpoch=0, RebalanceTimeoutMs=PATIENT_MS, SubscribedTopicNames=["new-top"], TopicPartitions=[])
        beat("no group", **dict(hello, GroupId="", MemberId="m"))
        beat("no member id", **dict(hello, MemberId="")) if v else None
        beat("no topics at all", MemberId="m", MemberEpoch=0, RebalanceTimeoutMs=PATIENT_MS, TopicPartitions=[])
        beat("no rebalance timeout", **dict(hello, MemberId="m", RebalanceTimeoutMs=-1))
        beat("partitions at the first beat", **dict(hello, MemberId="m", TopicPartitions=None))
        beat("unknown assignor", **dict(hello, MemberId="m", ServerAssignor="nope"))
        beat("unknown group", MemberId="m", MemberEpoch=3)
        beat("epoch -5", MemberId="m", MemberEpoch=-5)
        answers = beat("first beat", **(hello if v == 0 else dict(hello, MemberId=me)))
        if v == 0:
            d.learn(me.label, answers, lambda answer: answer["MemberId"])
        now = Var("epoch of " + group)
        d.learn(now.label, answers, lambda answer: answer["MemberEpoch"])
        beat("again", MemberId=me, MemberEpoch=now)
        beat("owns", MemberId=me, MemberEpoch=now, TopicPartitions=[dict(TopicId=Var("id of new-top"), Partitions=[0, 1])])
        beat("epoch too high", MemberId=me, MemberEpoch=99)
        beat("unknown member", MemberId="nobody", MemberEpoch=now)
        d.same("ConsumerGroupDescribe", min(v, 1), dict(GroupIds=[group, "absent", ""]), settle=True)
        d.same("ConsumerGroupDescribe", min(v, 1), dict(GroupIds=[group], IncludeAuthorizedOperations=True), settle=True)
        for epoch in (now, 0, 99, -1):
            d.same("OffsetCommit", 9, dict(GroupId=group, GenerationIdOrMemberEpoch=epoch, MemberId=me, Topics=[dict(
                Name="new-top", Partitions=[dict(PartitionIndex=0, CommittedOffset=1, CommittedMetadata="")])]))
            d.same("OffsetFetch", 9, dict(Groups=[dict(GroupId=group, MemberId=me, MemberEpoch=epoch, Topics=[
                dict(Name="new-top", PartitionIndexes=[0])])]))
        d.same("DescribeGroups", 6, dict(Groups=[group]))
        d.same("DeleteGroups", 2, dict(GroupsNames=[group]))
        beat("leaves", MemberId=me, MemberEpoch=-1)
        beat("after leaving", MemberId=me, MemberEpoch=now)
        d.same("ConsumerGroupDescribe", min(v, 1), dict(GroupIds=[group]), settle=True)
        d.same("DeleteGroups", 2, dict(GroupsNames=[group]))
