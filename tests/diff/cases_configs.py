# SPDX-License-Identifier: Apache-2.0
"""Settings of topics asked for and changed."""
from cases_topics import create

TOPIC, BROKER = 2, 4


def describe(kind, name, keys=None, **more):
    return dict(Resources=[dict(ResourceType=kind, ResourceName=name, ConfigurationKeys=keys)], **more)


def case_describe_configs(d):
    create(d, "conf", 1, [("retention.ms", "100000"), ("cleanup.policy", "compact,delete")])
    for v in d.versions("DescribeConfigs"):
        for keys in (None, [], ["retention.ms"], ["retention.ms", "no.such", "retention.ms"], ["no.such"], [""]):
            d.same("DescribeConfigs", v, describe(TOPIC, "conf", keys), settle=True)
        d.same("DescribeConfigs", v, describe(TOPIC, "conf", None, IncludeSynonyms=True), settle=True)
        for kind, name in ((TOPIC, "absent"), (TOPIC, ""), (TOPIC, "a b"), (BROKER, "2"), (BROKER, "x"), (0, "conf"), (1, "conf"),
                           (3, "conf"), (64, "conf"), (-1, "conf"), (127, "")):
            d.same("DescribeConfigs", v, describe(kind, name, ["retention.ms"]))
        d.same("DescribeConfigs", v, dict(Resources=[]))
        d.same("DescribeConfigs", v, dict(Resources=describe(TOPIC, "conf", ["retention.ms"])["Resources"] * 2))


def case_incremental_alter_configs(d):
    create(d, "alter", 1, [("retention.ms", "100000")])
    for v in d.versions("IncrementalAlterConfigs"):
        for only in (True, False):
            def change(*changes, kind=TOPIC, name="alter"):
                d.same("IncrementalAlterConfigs", v, dict(ValidateOnly=only, Resources=[dict(
                    ResourceType=kind, ResourceName=name, Configs=[dict(Name=key, ConfigOperation=operation, Value=value)
                                                                   for key, operation, value in changes])]))
                d.same("DescribeConfigs", 4, describe(TOPIC, "alter", ["retention.ms", "cleanup.policy", "segment.bytes"]), settle=True)
            change(("retention.ms", 0, "200000"))
            change(("retention.ms", 0, "x"))
            change(("retention.ms", 0, "-5"))
            change(("retention.ms", 0, ""))
            change(("retention.ms", 0, None))
            change(("retention.ms", 1, None))
            change(("retention.ms", 1, "ignored"))
            change(("no.such", 0, "1"))
            change(("no.such", 1, None))
            change(("", 0, "1"))
            change(("cleanup.policy", 2, "compact"))
            change(("cleanup.policy", 3, "delete"))
            change(("cleanup.policy", 3, "nothing"))
            change(("cleanup.policy", 0, "delete"))
            change(("retention.ms", 2, "5"))
            change(("retention.ms", 4, "5"))
            change(("retention.ms", -1, "5"))
            change(("retention.ms", 0, "1"), ("retention.ms", 0, "2"))
            change(("retention.ms", 0, "300000"), ("no.such", 0, "2"))
            change(("segment.bytes", 0, "1048576"))
            change(("segment.bytes", 0, "1"))
            change()
            for kind, name in ((TOPIC, "absent"), (TOPIC, ""), (TOPIC, "a b"), (BROKER, "2"), (BROKER, "x"), (0, "x"), (64, "x")):
                change(("retention.ms", 0, "200000"), kind=kind, name=name)
        d.same("IncrementalAlterConfigs", v, dict(Resources=[]))


def case_alter_configs(d):
    create(d, "alter-old", 1, [("retention.ms", "100000"), ("segment.bytes", "1048576")])
    for v in d.versions("AlterConfigs"):
        for only in (True, False):
            def change(*changes, kind=TOPIC, name="alter-old"):
                d.same("AlterConfigs", v, dict(ValidateOnly=only, Resources=[dict(
                    ResourceType=kind, ResourceName=name, Configs=[dict(Name=key, Value=value) for key, value in changes])]))
                d.same("DescribeConfigs", 4, describe(TOPIC, "alter-old", ["retention.ms", "cleanup.policy", "segment.bytes"]),
                       settle=True)
            change(("retention.ms", "200000"))
            change(("retention.ms", "x"))
            change(("retention.ms", None))
            change(("no.such", "1"))
            change()
            for kind, name in ((TOPIC, "absent"), (TOPIC, ""), (BROKER, "2"), (0, "x"), (64, "x")):
                change(("retention.ms", "200000"), kind=kind, name=name)
        d.same("AlterConfigs", v, dict(Resources=[]))
