# SPDX-License-Identifier: Apache-2.0
"""All settings described with their documentation, and altered: of topics, brokers, groups, client metrics and loggers."""
from cases_topics import create

TOPIC, BROKER, LOGGER, METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = range(4)


def ask(kind, name, keys=None):
    return dict(Resources=[dict(ResourceType=kind, ResourceName=name, ConfigurationKeys=keys)], IncludeSynonyms=True,
                IncludeDocumentation=True)


def change(kind, name, *changes, check=False):
    return dict(Resources=[dict(ResourceType=kind, ResourceName=name, Configs=[
        dict(Name=key, ConfigOperation=how, Value=value) for how, key, value in changes])], ValidateOnly=check)


def alter(d, kind, name, *changes, **kwargs):
    for version in d.versions("IncrementalAlterConfigs"):
        d.same("IncrementalAlterConfigs", version, change(kind, name, *changes, **kwargs),
               note="%s %s %s" % (kind, name, changes))
        if kind == BROKER and name in ("", "1"):  # Kafka's broker checks the next change by what it has heard of this one
            d.same("DescribeConfigs", 4, ask(BROKER, "1"), settle=True)
            d.same("DescribeConfigs", 4, ask(BROKER, ""), settle=True)


def case_describe_all_settings(d):
    create(d, "settings", configs=[("retention.ms", "60000"), ("cleanup.policy", "compact,delete")])
    for version in d.versions("DescribeConfigs"):
        for kind, name in ((TOPIC, "settings"), (BROKER, "1"), (BROKER, ""), (GROUP, "g"), (METRICS, "m")):
            d.same("DescribeConfigs", version, ask(kind, name))
        for keys in ([], ["retention.ms"], ["no.such"], ["retention.ms", "retention.ms", "segment.bytes"]):
            d.same("DescribeConfigs", version, ask(TOPIC, "settings", keys))
        d.same("DescribeConfigs", version, ask(LOGGER, "1", ["root"]))


def case_describe_what_is_not_there(d):
    for version in d.versions("DescribeConfigs"):
        for kind, name in ((TOPIC, "no-such"), (TOPIC, ""), (TOPIC, "a b"), (BROKER, "2"), (BROKER, "x"), (LOGGER, ""),
                           (LOGGER, "2"), (GROUP, ""), (METRICS, "")):
            d.same("DescribeConfigs", version, ask(kind, name), note="%s %r" % (kind, name))


TOPIC_CHANGES = [
    [(SET, "retention.ms", "1000")], [(SET, "retention.ms", "x")], [(SET, "retention.ms", "-2")], [(SET, "retention.ms", " 7 ")],
    [(SET, "retention.ms", None)], [(DELETE, "retention.ms", None)], [(DELETE, "retention.ms", "1")], [(DELETE, "no.such", None)],
    [(SET, "no.such", "1")], [(SET, "", "1")], [(SET, "retention.ms", "1"), (SET, "retention.ms", "2")],
    [(APPEND, "retention.ms", "1")], [(APPEND, "no.such", "1")], [(APPEND, "cleanup.policy", "compact")],
    [(APPEND, "cleanup.policy", "compact,delete")], [(SUBTRACT, "cleanup.policy", "delete")],
    [(SUBTRACT, "cleanup.policy", "compact")], [(SUBTRACT, "cleanup.policy", "nothing")], [(APPEND, "cleanup.policy", "nothing")],
    [(SET, "cleanup.policy", "delete,delete")], [(SET, "cleanup.policy", " compact , delete ")], [(SET, "cleanup.policy", "")],
    [(SET, "cleanup.policy", "DELETE")], [(DELETE, "cleanup.policy", None)],
    [(SET, "compression.type", "zstd")], [(SET, "compression.type", "ZSTD")], [(SET, "compression.gzip.level", "0")],
    [(SET, "compression.gzip.level", "-1")], [(SET, "compression.lz4.level", "18")], [(SET, "compression.zstd.level", "22")],
    [(SET, "min.cleanable.dirty.ratio", "0.25")], [(SET, "min.cleanable.dirty.ratio", "1.1")],
    [(SET, "min.cleanable.dirty.ratio", "half")], [(SET, "preallocate", "TRUE")], [(SET, "preallocate", "1")],
    [(SET, "segment.bytes", "1048575")], [(SET, "segment.bytes", "1048576")], [(SET, "segment.bytes", "2147483648")],
    [(SET, "min.compaction.lag.ms", "10"), (SET, "max.compaction.lag.ms", "5")], [(SET, "min.insync.replicas", "3")],
    [(SET, "min.insync.replicas", "0")], [(SET, "message.timestamp.type", "LogAppendTime")],
    [(SET, "leader.replication.throttled.replicas", "*")], [(SET, "leader.replication.throttled.replicas", "0:1,1:1")],
    [(SET, "leader.replication.throttled.replicas", "0")], [(APPEND, "follower.replication.throttled.replicas", "0:1")],
    [(SET, "unclean.leader.election.enable", "true")], [(SET, "remote.storage.enable", "true")],
    [(SET, "remote.storage.enable", "false")], [(SET, "local.retention.ms", "-3")], [(SET, "flush.messages", "1")],
    [(SET, "flush.messages", "0")], [(SET, "retention.bytes", "-5")], [(9, "retention.ms", "1")],
]


def case_alter_topics(d):
    create(d, "altered-settings")
    for changes in TOPIC_CHANGES:
        alter(d, TOPIC, "altered-settings", *changes, check=True)
        alter(d, TOPIC, "altered-settings", *changes)
    for name in ("no-such-topic", "", "a b"):
        alter(d, TOPIC, name, (SET, "retention.ms", "1"))
        alter(d, TOPIC, name, (SET, "retention.ms", "x"))
    d.same("DescribeConfigs", 4, ask(TOPIC, "altered-settings"), settle=True)


def case_alter_topics_all_at_once(d):
    create(d, "replaced-settings", configs=[("retention.ms", "60000")])
    for version in d.versions("AlterConfigs"):
        for configs in ([("segment.ms", "9000")], [("segment.ms", None)], [("segment.ms", "x")], [("a", "1")],
                        [("segment.ms", "1"), ("segment.ms", "2")], []):
            resource = dict(ResourceType=TOPIC, ResourceName="replaced-settings", Configs=[dict(Name=k, Value=v) for k, v in configs])
            d.same("AlterConfigs", version, dict(Resources=[resource], ValidateOnly=False))
        d.same("AlterConfigs", version, dict(Resources=[dict(ResourceType=LOGGER, ResourceName="1", Configs=[])],
                                             ValidateOnly=False))
    d.same("DescribeConfigs", 4, ask(TOPIC, "replaced-settings"), settle=True)


def case_alter_brokers(d):
    for name in ("1", ""):
        for changes in ([(SET, "log.retention.ms", "x")], [(SET, "num.partitions", "2")], [(SET, "ssl.keystore.location", "/x")],
                        [(SET, "log.retention.ms", "700000000")], [(APPEND, "log.retention.ms", "1")],
                        [(APPEND, "log.cleanup.policy", "compact")], [(SUBTRACT, "log.cleanup.policy", "compact")],
                        [(SET, "min.insync.replicas", "1")], [(DELETE, "min.insync.replicas", None)],
                        [(DELETE, "log.retention.ms", None), (DELETE, "log.cleanup.policy", None)]):
            alter(d, BROKER, name, *changes)
    for name in ("2", "x", "-1"):
        alter(d, BROKER, name, (SET, "log.retention.ms", "1"))
    d.same("DescribeConfigs", 4, ask(BROKER, ""), settle=True)


def case_alter_brokers_to_what_contradicts_itself(d):
    interval, each, some = "group.consumer.assignment.interval.ms", "max.connections.per.ip", "max.connections.per.ip.overrides"
    for name in ("1", ""):
        for changes in ([(SET, interval, "15001")], [(SET, interval, "15000")], [(SET, interval, "0")], [(DELETE, interval, None)],
                        [(SET, "log.roll.ms", "0")], [(SET, "log.roll.ms", "1")], [(DELETE, "log.roll.ms", None)],
                        [(SET, "log.roll.jitter.ms", "-1")], [(SET, "log.retention.ms", "0")], [(SET, "log.retention.ms", "-2")],
                        [(DELETE, "log.retention.ms", None)],
                        [(SET, each, "0")], [(SET, each, "0"), (SET, "log.roll.ms", "0")],
                        [(SET, each, "0"), (SET, some, "127.0.0.1:1000")], [(DELETE, some, None)], [(SET, some, "")],
                        [(DELETE, each, None), (DELETE, some, None)]):
            alter(d, BROKER, name, *changes)
    alter(d, BROKER, "", (SET, some, "127.0.0.1:1000"))
    alter(d, BROKER, "1", (SET, each, "0"))
    alter(d, BROKER, "", (DELETE, some, None))
    alter(d, BROKER, "1", (DELETE, each, None))
    alter(d, BROKER, "", (DELETE, some, None))
    d.same("DescribeConfigs", 4, ask(BROKER, "1"), settle=True)
    create(d, "unlimited")
    alter(d, BROKER, "", (SET, "log.retention.ms", "-2"))
    d.same("DescribeConfigs", 4, ask(TOPIC, "unlimited"), settle=True)
    alter(d, BROKER, "", (DELETE, "log.retention.ms", None))


def case_alter_groups_metrics_and_loggers(d):
    for changes in ([(SET, "consumer.session.timeout.ms", "50000")], [(SET, "consumer.session.timeout.ms", "1")],
                    [(SET, "consumer.session.timeout.ms", "61000")], [(SET, "consumer.heartbeat.interval.ms", "6000")],
                    [(SET, "consumer.heartbeat.interval.ms", "x")], [(SET, "no.such", "1")],
                    [(APPEND, "consumer.session.timeout.ms", "1")], [(DELETE, "consumer.heartbeat.interval.ms", None)]):
        alter(d, GROUP, "timed", *changes)
    alter(d, GROUP, "", (SET, "consumer.session.timeout.ms", "50000"))
    d.same("DescribeConfigs", 4, ask(GROUP, "timed"), settle=True)
    for changes in ([(SET, "interval.ms", "1000")], [(SET, "interval.ms", "1")], [(SET, "metrics", "a,b")],
                    [(APPEND, "metrics", "c")], [(SET, "no.such", "1")]):
        alter(d, METRICS, "told", *changes)
    d.same("DescribeConfigs", 4, ask(METRICS, "told"), settle=True)
    for changes in ([(SET, "root", "WARN")], [(SET, "root", "LOUD")], [(SET, "no.such.logger", "INFO")], [(DELETE, "root", None)],
                    [(APPEND, "root", "INFO")], [(SET, "root", "INFO")]):
        alter(d, LOGGER, "1", *changes)
    for kind in (0, 1, 3, 64):
        alter(d, kind, "x", (SET, "a", "1"))


def case_alter_one_resource_twice(d):
    create(d, "twice-settings")
    one = change(TOPIC, "twice-settings", (SET, "retention.ms", "1"))["Resources"][0]
    for version in d.versions("IncrementalAlterConfigs"):
        d.same("IncrementalAlterConfigs", version, dict(Resources=[one, one], ValidateOnly=False))
