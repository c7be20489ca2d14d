# SPDX-License-Identifier: Apache-2.0
"""Log directories, leaders, reassignments, features, what has settings: what a broker with one replica says."""
from cases_topics import create
from pair import Var


def case_describe_log_dirs(d):
    create(d, "dirs", 3)
    for v in d.versions("DescribeLogDirs"):
        for asked in ([("dirs", [0, 1, 2])], [("dirs", [1])], [("dirs", [1, 1, 0]), ("dirs", [1])], [("dirs", [9, -1])],
                      [("absent", [0])], [("", [0])], [("dirs", [])], []):
            d.same("DescribeLogDirs", v, dict(Topics=[dict(Topic=t, Partitions=p) for t, p in asked]), settle=True)
        d.same("DescribeLogDirs", v, dict(Topics=None), settle=True)


def case_alter_replica_log_dirs(d):
    create(d, "move", 2)
    answers = d.same("DescribeLogDirs", 1, dict(Topics=[]))
    d.learn("log dir", answers, lambda answer: answer["Results"][0]["LogDir"])
    for v in d.versions("AlterReplicaLogDirs"):
        def ask(*dirs):
            d.same("AlterReplicaLogDirs", v, dict(Dirs=[dict(Path=path, Topics=[dict(Name=t, Partitions=p) for t, p in topics])
                                                        for path, topics in dirs]), settle=True)
        here = Var("log dir")
        ask((here, [("move", [0, 1])]))
        ask((here, [("move", [0, 0])]), (here, [("move", [0])]))
        ask((here, [("move", [7, -1]), ("absent", [0])]))
        ask(("/no/such/folder", [("move", [0])]))
        ask(("", [("move", [0])]), ("relative", [("move", [1])]))
        ask((here, [("x" * 249, [0])]))
        ask((here, []))
        ask()


def case_elect_leaders(d):
    create(d, "elect", 2)
    for v in d.versions("ElectLeaders"):
        for kind in (0, 1, 2, -1):
            for asked in ([("elect", [0, 1])], [("elect", [0, 0])], [("elect", [7, -1]), ("absent", [0])], [("elect", [])],
                          [("", [0])], []):
                d.same("ElectLeaders", v, dict(ElectionType=kind, TimeoutMs=60000, TopicPartitions=[
                    dict(Topic=t, Partitions=p) for t, p in asked]))
            d.same("ElectLeaders", v, dict(ElectionType=kind, TimeoutMs=60000, TopicPartitions=None), settle=True)


def case_partition_reassignments(d):
    create(d, "assign", 2)
    for v in d.versions("AlterPartitionReassignments"):
        for change in (True, False):
            for replicas in (None, [1], [], [1, 1], [2], [1, 2], [-1]):
                for topic, index in (("assign", 0), ("assign", 9), ("absent", 0), ("", 0)):
                    d.same("AlterPartitionReassignments", v, dict(
                        TimeoutMs=60000, AllowReplicationFactorChange=change,
                        Topics=[dict(Name=topic, Partitions=[dict(PartitionIndex=index, Replicas=replicas)])])
                        if v or change else dict(TimeoutMs=60000, Topics=[]))
            d.same("AlterPartitionReassignments", v, dict(TimeoutMs=60000, Topics=[dict(Name="assign", Partitions=[])]))
    for topics in (None, [], [dict(Name="assign", PartitionIndexes=[0, 1])], [dict(Name="absent", PartitionIndexes=[0])],
                   [dict(Name="assign", PartitionIndexes=[9])]):
        d.same("ListPartitionReassignments", 0, dict(TimeoutMs=60000, Topics=topics))


def case_update_features(d):
    for v in d.versions("UpdateFeatures"):
        for only in (True, False):
            for name, level in (("metadata.version", 30), ("metadata.version", 31), ("metadata.version", 6),
                                ("metadata.version", -1), ("no.such", 1), ("", 0), ("no.such", 0)):
                for kind in (1, 2, 3, 0, 7):
                    if name == "metadata.version" and level == 30 and kind != 1 and not only:
                        continue
                    update = dict(Feature=name, MaxVersionLevel=level)
                    update.update(dict(UpgradeType=kind) if v else dict(AllowDowngrade=kind == 2))
                    d.same("UpdateFeatures", v, dict(timeoutMs=60000, FeatureUpdates=[update],
                                                     **(dict(ValidateOnly=only) if v else {})))
            d.same("UpdateFeatures", v, dict(timeoutMs=60000, FeatureUpdates=[]))


def case_list_config_resources(d):
    create(d, "listed")
    for v in d.versions("ListConfigResources"):
        for types in ([], [2], [4], [8], [16], [32], [2, 4], [2, 2], [1], [0], [-1], [64], [2, 3], [127]):
            d.same("ListConfigResources", v, dict(ResourceTypes=types) if v else {}, settle=True)
