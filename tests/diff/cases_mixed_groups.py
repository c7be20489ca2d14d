# SPDX-License-Identifier: Apache-2.0
"""One group with members of both protocols: it becomes of the new one with its first new member, serves the classic
ones all the while, and is classic again when the last new one has gone."""
import struct

from cases_groups import PATIENT_MS, heard_of, join, only, ready
from cases_topics import create
from pair import Var

# As many as the most members at once have in common: with one more to share out, who gets it depends on the order of random ids.
TOPIC, PARTITIONS = "mix-top", 3


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


def subscription(owned=(), topic=TOPIC):
    """Version 1, of a cooperative member that owns these."""
    parts = struct.pack(">i", 1) + text(topic) + struct.pack(">i%di" % len(owned), len(owned), *owned) if owned else struct.pack(">i", 0)
    return struct.pack(">hi", 1, 1) + text(topic) + struct.pack(">i", -1) + parts


def assignment(owned, data=b""):
    return struct.pack(">hi", 1, 1) + text(TOPIC) + struct.pack(">i%di" % len(owned), len(owned), *owned) + struct.pack(
        ">i", len(data) if data else -1) + data


def assigned(payload):
    """The partitions of TOPIC in an assignment."""
    if len(payload) < 6 or not struct.unpack(">hi", payload[:6])[1]:
        return []
    at = 6
    at += 2 + struct.unpack_from(">h", payload, at)[0]
    count = struct.unpack_from(">i", payload, at)[0]
    return list(struct.unpack_from(">%di" % count, payload, at + 4))


def told(answer):
    return [dict(TopicId=part["TopicId"], Partitions=part["Partitions"]) for part in (answer["Assignment"] or {}).get("TopicPartitions", [])]


class Old:
    """A classic member."""

    def __init__(self, d, group, v, name="old", instance=None, protocol="range"):
        self.d, self.group, self.v, self.instance, self.protocol = d, group, v, instance, protocol
        self.me, self.generation = Var("%s of %s" % (name, group)), Var("generation of %s of %s" % (name, group))
        self.owned = Var("what %s of %s owns" % (name, group))

    def ask(self, name, version, note, **body):
        return self.d.same(name, version, only(name, version, dict(body, GroupId=self.group)), note="%s (%s)" % (note, self.group))

    def join(self, note, metadata=None, member=None, **more):
        body = join(self.group, self.me if member is None else member, self.instance,
                    Protocols=[dict(Name=self.protocol, Metadata=metadata or self.owned)])
        answers = self.ask("JoinGroup", self.v, note, **dict(body, **more))
        self.d.learn(self.me.label, answers, lambda answer: answer["MemberId"])
        self.d.learn(self.generation.label, answers, lambda answer: answer["GenerationId"])
        return answers

    def enter(self):
        self.d.learn(self.owned.label, ({}, {}), lambda _: subscription())
        self.join("first join", member="")
        if self.v >= 4 and not self.instance:
            self.join("join with the id")

    def sync(self, note, assignments=(), **more):
        answers = self.ask("SyncGroup", min(self.v, 5), note, **dict(dict(
            GenerationId=self.generation, MemberId=self.me, GroupInstanceId=self.instance, ProtocolType="consumer",
            ProtocolName=self.protocol, Assignments=list(assignments)), **more))
        self.d.learn(self.owned.label, answers, lambda answer: subscription(assigned(answer["Assignment"])))

    def beat(self, note, **more):
        self.ask("Heartbeat", min(self.v, 4), note, **dict(dict(GenerationId=self.generation, MemberId=self.me,
                                                                 GroupInstanceId=self.instance), **more))

    def leave(self, note, **more):
        self.ask("LeaveGroup", min(max(self.v, 3), 5), note, Members=[dict(dict(MemberId=self.me, GroupInstanceId=self.instance), **more)])


class New:
    """A member of the new protocol."""

    def __init__(self, d, group, name="new", instance=None):
        self.d, self.group, self.instance = d, group, instance
        self.me, self.epoch = ("%s-of-%s" % (name, group)), Var("epoch of %s of %s" % (name, group))
        self.owned = Var("what %s of %s has" % (name, group))

    def beat(self, note, **body):
        answers = self.d.same("ConsumerGroupHeartbeat", 1, dict(dict(GroupId=self.group, MemberId=self.me, InstanceId=self.instance,
                                                                     RebalanceTimeoutMs=-1, MemberEpoch=self.epoch), **body),
                              note="%s (%s)" % (note, self.group))
        self.d.learn(self.epoch.label, answers, lambda answer: answer["MemberEpoch"])
        for peer, answer in zip((self.d.kafka, self.d.weir), answers):
            if isinstance(answer, dict) and answer["Assignment"] is not None:
                peer.learn(self.owned.label, told(answer))
        return answers

    def enter(self, note, topic=TOPIC, **more):
        return self.beat(note, **dict(dict(MemberEpoch=0, RebalanceTimeoutMs=PATIENT_MS, SubscribedTopicNames=[topic], TopicPartitions=[]), **more))

    def has(self, note):
        return self.beat(note, TopicPartitions=self.owned)


def seen(d, group, note):
    d.same("DescribeGroups", 6, dict(Groups=[group]), note="%s (%s)" % (note, group))
    d.same("ConsumerGroupDescribe", 1, dict(GroupIds=[group]), note="%s (%s)" % (note, group), settle=True)


def known(d):
    ready(d)
    create(d, TOPIC, PARTITIONS)
    heard_of(d, TOPIC)


def stable(d, group, v, **more):
    """A classic group of one member that has everything."""
    old = Old(d, group, v, **more)
    old.enter()
    old.sync("it leads", [dict(MemberId=old.me, Assignment=assignment(range(PARTITIONS)))])
    return old


def case_mixed_groups(d):
    known(d)
    for v in (2, 5, 9):
        group = "mixed-%d" % v
        old = stable(d, group, v)
        new = New(d, group)
        new.beat("not a group of the new protocol", MemberEpoch=3)
        new.beat("nobody to leave", MemberEpoch=-1)
        new.enter("upgrade")
        seen(d, group, "mixed")
        old.beat("must join again")
        old.sync("too early")
        commits(d, group, v, old, new)
        new.beat("waits")
        old.join("has all of it")
        old.beat("has something to give up")
        old.sync("half of it")
        seen(d, group, "revoking")
        old.join("has given up half")
        old.beat("has joined")
        old.sync("the same half")
        old.beat("fine")
        new.beat("gets its part")
        new.has("has its part")
        seen(d, group, "shared")
        d.same("ListGroups", 5, dict(StatesFilter=[], TypesFilter=["consumer"]))
        errors(d, group, v, old)
        commits(d, group, v, old, new)
        new.beat("leaves", MemberEpoch=-1)
        seen(d, group, "classic again")
        old.beat("must join a last time")
        old.sync("must join")
        old.join("leads again")
        old.sync("has everything", [dict(MemberId=old.me, Assignment=assignment(range(PARTITIONS)))])
        old.beat("fine again")
        seen(d, group, "stable")
        old.leave("leaves")
        d.same("DeleteGroups", 2, dict(GroupsNames=[group]))


def commits(d, group, v, old, new):
    for who, epochs in ((old.me, (old.generation, 1, 99, -1)), (new.me, (new.epoch, 1, 99)), ("nobody", (1,)), ("", (-1,))):
        for epoch in epochs:
            version = min(v + 2, 9)
            d.same("OffsetCommit", version, only("OffsetCommit", version, dict(
                GroupId=group, GenerationIdOrMemberEpoch=epoch, MemberId=who, Topics=[dict(Name=TOPIC, Partitions=[
                    dict(PartitionIndex=0, CommittedOffset=1, CommittedMetadata="")])])), note="commit (%s)" % group)
            d.same("OffsetFetch", 9, dict(Groups=[dict(GroupId=group, MemberId=who or None, MemberEpoch=epoch, Topics=[
                dict(Name=TOPIC, PartitionIndexes=[0])])]), note="fetch (%s)" % group)


def errors(d, group, v, old):
    other = Old(d, group, v, "other")
    d.learn(other.me.label, ({}, {}), lambda _: "")
    d.learn(other.generation.label, ({}, {}), lambda _: 1)
    other.join("no common protocol", subscription(), Protocols=[dict(Name="other", Metadata=subscription())])
    other.join("no protocols", subscription(), Protocols=[])
    other.join("another type", subscription(), ProtocolType="connect")
    other.join("no bytes of a subscription", b"x", member="somebody")
    other.beat("unknown", MemberId="nobody")
    other.sync("unknown", MemberId="nobody")
    other.leave("unknown", MemberId="nobody")
    if v >= 5:
        other.join("unknown instance", subscription(), member="somebody", GroupInstanceId="nobody")
        other.beat("unknown instance", MemberId="somebody", GroupInstanceId="nobody")
        old.sync("another protocol", ProtocolName="other", ProtocolType=None)
        old.sync("another type", ProtocolName=None, ProtocolType="connect")
        old.sync("neither", ProtocolName=None, ProtocolType=None)
    old.beat("old generation", GenerationId=0)
    old.beat("new generation", GenerationId=99)
    old.sync("old generation", GenerationId=0)
    old.sync("as before")
    d.same("OffsetDelete", 0, dict(GroupId=group, Topics=[dict(Name=TOPIC, Partitions=[dict(PartitionIndex=0)])]))
    d.same("DeleteGroups", 2, dict(GroupsNames=[group]))


def case_mixed_groups_of_several(d):
    """Eager members (they own nothing when they join), several of both protocols, one removed by an administrator."""
    known(d)
    group = "mixed-several"
    first = stable(d, group, 9)
    new = New(d, group)
    new.enter("upgrade")
    second = Old(d, group, 9, "second")
    second.enter()
    second.sync("nothing yet")
    new.beat("a target for three")
    for old in (first, second):
        old.beat("must join")
        old.join("eager", subscription())
        old.sync("its part")
    new.beat("gets its part")
    new.has("has its part")
    second.beat("gets more, or not")
    seen(d, group, "three")
    third = New(d, group, "third")
    third.enter("one more")
    new.has("a target for four")
    for old in (first, second):
        old.beat("perhaps less")
    first.leave("leaves")
    new.has("a target for three again")
    seen(d, group, "three again")
    d.same("LeaveGroup", 5, dict(GroupId=group, Members=[dict(MemberId=new.me), dict(MemberId="nobody"), dict(MemberId=third.me)]),
           note="an administrator removes the new ones")
    seen(d, group, "classic again")
    new.beat("is no member any more", MemberEpoch=5)
    second.join("leads", subscription())
    second.sync("has everything", [dict(MemberId=second.me, Assignment=assignment(range(PARTITIONS)))])
    seen(d, group, "stable")


def case_static_members_change_their_protocol(d):
    known(d)
    group = "mixed-static"
    old, new = stable(d, group, 9, instance="i"), New(d, group, instance="i")
    new.enter("takes the place of the classic one")
    seen(d, group, "new")
    old.beat("fenced")
    old.sync("fenced")
    new.has("has everything")
    new.beat("leaves for a while", MemberEpoch=-2)
    old.join("comes back as a classic one", member="")
    seen(d, group, "classic")
    old.sync("has everything")
    old.beat("fine")
    new.enter("new again")
    old.join("without a word of the new one's leaving", member="")
    new.beat("is no member any more", MemberEpoch=2)
    old.sync("has everything again")
    other = Old(d, group, 9, "other")
    new.enter("new a third time")
    other.enter()
    other.sync("nothing")
    old.join("reads something else now", subscription(topic="mix-none"), member="")
    seen(d, group, "joins again")
    old.sync("must join")
    other.beat("must join")


def case_groups_that_cannot_be_upgraded(d):
    known(d)
    for what, more, metadata, mine in (
            ("connect", dict(ProtocolType="connect"), subscription(), assignment([0])),
            ("malformed", {}, b"\0", assignment([0])),
            ("malformed assignment", {}, subscription(), b"\0"),
            ("custom", {}, subscription(), assignment([0], b"mine"))):
        group = "mixed-not-" + what.replace(" ", "-")
        old = Old(d, group, 3)
        old.join("join", metadata, member="", **more)
        old.sync("sync", [dict(MemberId=old.me, Assignment=mine)])
        New(d, group).enter(what)
        old.beat("unharmed")
        seen(d, group, what)
        old.leave("leaves")
        New(d, group).enter("an empty one")
