# SPDX-License-Identifier: Apache-2.0
"""Where an answer of weir may differ from Kafka's, and why. The only such place.

A row: a pattern of API and field ("*" crosses dots), what both values must satisfy, the reason.
"""
import os

from records import headers

LATE_S = float(os.environ.get("DIFF_LATE_S", 60))  # how long Kafka's brokers may take to see what its controller has decided


def any_two(kafka, weir):
    return True


def both_there(kafka, weir):
    return bool(kafka) and bool(weir)


# Of other kinds of clusters, or inter-broker: raft voters, delegation tokens, share and streams groups.
APIS_NOT_SERVED = {38, 39, 40, 41, 55, 64, 76, 77, 78, 79, 80, 81, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92}
FEATURES_NOT_HERE = {"kraft.version", "share.version", "streams.version", "eligible.leader.replicas.version"}


def not_here(kafka, weir):
    return weir is None and kafka["Name"] in FEATURES_NOT_HERE


def whole(records):
    """The whole batches at the front of fetched bytes."""
    end = 0
    while len(records) >= end + 12 and len(records) >= end + 12 + int.from_bytes(records[end + 8:end + 12], "big"):
        end += 12 + int.from_bytes(records[end + 8:end + 12], "big")
    return records[:end]


def same_batches(kafka, weir):
    return isinstance(kafka, bytes) and isinstance(weir, bytes) and whole(kafka) == weir


def same_but_producer(kafka, weir):
    """Producer ids, and so checksums, are each cluster's own."""
    sides = [headers(whole(side)) for side in (kafka, weir) if isinstance(side, bytes)]
    for side in sides:
        for header in side:
            header["crc"], header["pid"] = 0, header["pid"] >= 0
    return len(sides) == 2 and sides[0] == sides[1] and sides[0] != []


ALLOWED = [
    ("Fetch.Responses.Partitions.Records", same_batches, "Kafka fills max bytes with a part of the next batch; weir sends whole ones"),
    ("Fetch.Responses.Partitions.Records", same_but_producer, "producer ids are given out by each cluster"),
    ("DescribeConfigs.Results.Configs.Documentation", lambda k, w: not k and not w, "no words were asked for"),
    ("DescribeConfigs.Results.Configs.Value", lambda k, w: (k, w) == ("WARN", "INFO"), "each logs as much as it is told to at its start"),
    ("*.ErrorCode", lambda k, w: k == -1 and w not in (0, -1),
     "Kafka's code fails with an exception (UNKNOWN_SERVER_ERROR); weir says what is wrong"),
    ("ApiVersions.ApiKeys", lambda k, w: w is None and k["ApiKey"] in APIS_NOT_SERVED,
     "APIs of other kinds of clusters: raft voters, delegation tokens, share and streams groups"),
    ("ApiVersions.*Features", not_here, "features of other kinds of clusters"),
    ("DescribeConfigs.Results.Configs.Documentation", lambda k, w: bool(w) and w.startswith(k or "") and "In weir: " in w,
     "Kafka's words, and behind them what weir does instead"),
    ("*.ThrottleTimeMs", any_two, "throttle times depend on the load"),
    ("*.ErrorMessage", lambda k, w: k in (None, "", "NONE") or w is not None, "texts of errors are our own"),
    ("*.BatchIndexErrorMessage", any_two, "texts of errors are our own"),
    ("*.Host", both_there, "each has its own address"),
    ("*.Port", both_there, "each has its own address"),
    ("*.ClusterId", both_there, "each cluster has its own id"),
    ("AlterReplicaLogDirs.Results.Partitions.ErrorCode", lambda k, w: (k, w) == (17, 3),
     "Kafka's folder names limit the length of a topic that moves"),
    ("Fetch.SessionId", lambda k, w: bool(k) == bool(w), "sessions are numbered at random"),
    ("ConsumerGroupDescribe.Groups.Members.SubscribedTopicRegex", lambda k, w: not k and not w, "no regular expression"),
    ("*.ProducerId", lambda k, w: (k >= 0) == (w >= 0), "producer ids are given out by each cluster"),
    ("*.TransactionStartTimeMs", lambda k, w: (k > 0) == (w > 0), "clocks"),
    ("*.LastTimestamp", lambda k, w: (k > 0) == (w > 0), "clocks"),
    ("*.MemberId", lambda k, w: bool(k) == bool(w), "member ids are made at random"),
    ("JoinGroup.Leader", lambda k, w: bool(k) == bool(w), "member ids are made at random"),
    ("DescribeLogDirs.Results.LogDir", both_there, "each has its own folder"),
    ("DescribeLogDirs.Results.TotalBytes", both_there, "disks"),
    ("DescribeLogDirs.Results.UsableBytes", both_there, "disks"),
    ("FindCoordinator.Coordinators.ErrorMessage", any_two, "texts of errors are our own"),
    ("ApiVersions.FinalizedFeaturesEpoch", both_there, "an offset in the metadata log of Kafka's controllers"),
]
# Requests (by their note) that are answered otherwise on purpose, and why.
OWN_WAY = {
    "joins again (mixed-static)": "a group that goes back to the classic protocol tells what its members have, Kafka what they shall have",
    "first ask": "a topic made by asking for it is there at once",
    "a share group": "share groups are not served: their coordinator is not found",
    "request_percentage": "weir limits no request times, so it takes no such quota",
    "a user without salt": "weir stores no credential without salt",
    "of nobody's transaction": "Kafka does not look whose transactional id a repeated batch names",
    "delete, one of them twice": "a group that is named twice is answered twice",
    "several partitions, one of them twice": "Kafka fetches a partition that is asked for twice once",
    "the same topic twice": "Kafka fetches a partition that is asked for twice once",
    "one byte more": "Kafka drops what stands behind a batch without a word",
    "offsets from 1": "Kafka stores offsets inside an uncompressed batch that lie",
    "its offset 1": "Kafka stores offsets inside an uncompressed batch that lie",
    "its offset -1": "Kafka stores offsets inside an uncompressed batch that lie",
    "its offset 2^31": "Kafka stores offsets inside an uncompressed batch that lie",
    "its offset 2^31, packed": "Kafka cuts an offset to 32 bits before it looks at it",
    "offsets out of order": "Kafka stores offsets inside an uncompressed batch that lie",
    "a negative length, packed": "Kafka does not look at the length a packed record says it has; its clients do",
    "a length of 2 GB, packed": "Kafka does not look at the length a packed record says it has; its clients do",
    "a length short by one, packed": "Kafka does not look at the length a packed record says it has; its clients do",
    "lz4, wrongly checked content": "Kafka does not look at the checksum of a whole LZ4 frame",
    "offsets repeat": "Kafka stores offsets inside an uncompressed batch that lie",
}


def internal(topic):
    return (topic["Name"] or "").startswith("__")


# Settings of the broker that tell of the broker itself, or of a cluster of several.
OWN_SETTINGS = {
    "advertised.listeners", "controller.listener.names", "controller.quorum.bootstrap.servers", "listeners", "log.dirs",
    "offsets.topic.num.partitions", "offsets.topic.segment.bytes", "transaction.state.log.num.partitions",
    "transaction.state.log.segment.bytes", "log.retention.check.interval.ms", "broker.session.timeout.ms",
}

# Items of lists that are not compared at all.
LEFT_OUT = [
    ("DescribeConfigs.Results.Configs", lambda item: item["Name"] in OWN_SETTINGS,
     "each tells of itself: addresses, folders, its own topics, how often it looks for old segments, how patient it is"),
    ("Metadata.Topics", internal, "the broker's own topics: other partitions, made at other times"),
    ("DescribeTopicPartitions.Topics", internal, "the broker's own topics: other partitions, made at other times"),
    ("DescribeLogDirs.Results.Topics", internal, "the broker's own topics: other partitions, made at other times"),
    ("ElectLeaders.ReplicaElectionResults", lambda item: item["Topic"].startswith("__"),
     "the broker's own topics: other partitions, made at other times"),
    ("ListConfigResources.ConfigResources", lambda item: item["ResourceName"].startswith("__"),
     "the broker's own topics: other partitions, made at other times"),
    ("OffsetCommit.Topics", lambda item: not item["Partitions"], "a topic without partitions has nothing to be told"),
    ("CreateTopics.Topics", internal, "the broker's own topics: other partitions, made at other times"),
]

# Lists whose order Kafka does not promise: the key both are sorted by.
def by_name(item):
    return item.get("Name") or ""


def entity(item):
    return tuple(sorted((part["EntityType"], part["EntityName"] or "") for part in item["Entity"]))


def classic_member(item):
    return (item.get("GroupInstanceId") or "", item["MemberAssignment"])


def consumer_member(item):
    return (item.get("MemberType", 1), item["InstanceId"] or "", item["MemberEpoch"],
            repr([part["Partitions"] for part in item["Assignment"]["TopicPartitions"]]))


def acl(item):
    return (item["Principal"], item["Host"], item["Operation"], item["PermissionType"])


ORDER = {
    "AlterConfigs.Responses": lambda item: (item["ResourceType"], item["ResourceName"]),
    "DescribeConfigs.Results.Configs": by_name,
    "IncrementalAlterConfigs.Responses": lambda item: (item["ResourceType"], item["ResourceName"]),
    "AlterClientQuotas.Entries.Entity": lambda item: item["EntityType"],
    "DescribeClientQuotas.Entries": entity,
    "DescribeClientQuotas.Entries.Entity": lambda item: item["EntityType"],
    "DescribeClientQuotas.Entries.Values": lambda item: item["Key"],
    "DescribeAcls.Resources": lambda item: (item["ResourceType"], item.get("PatternType", 3), item["ResourceName"]),
    "DescribeAcls.Resources.Acls": acl,
    "DeleteAcls.FilterResults.MatchingAcls": lambda item: (item["ResourceType"], item.get("PatternType", 3),
                                                           item["ResourceName"], *acl(item)),
    "DescribeUserScramCredentials.Results": lambda item: item["User"],
    "DescribeUserScramCredentials.Results.CredentialInfos": lambda item: item["Mechanism"],
    "AlterUserScramCredentials.Results": lambda item: item["User"],
    "ApiVersions.ApiKeys": lambda item: item["ApiKey"],
    "ApiVersions.SupportedFeatures": by_name,
    "ApiVersions.FinalizedFeatures": by_name,
    "CreateTopics.Topics": by_name,
    "CreateTopics.Topics.Configs": by_name,
    "CreatePartitions.Results": by_name,
    "DeleteTopics.Responses": by_name,
    "AlterReplicaLogDirs.Results": lambda item: item["TopicName"],
    "AlterReplicaLogDirs.Results.Partitions": lambda item: item["PartitionIndex"],
    "DescribeConfigs.Results.Configs": by_name,
    "AlterConfigs.Responses": lambda item: (item["ResourceType"], item["ResourceName"]),
    "IncrementalAlterConfigs.Responses": lambda item: (item["ResourceType"], item["ResourceName"]),
    "AddPartitionsToTxn.ResultsByTopicV3AndBelow": by_name,
    "AddPartitionsToTxn.ResultsByTopicV3AndBelow.ResultsByPartition": lambda item: item["PartitionIndex"],
    "DescribeTransactions.TransactionStates": lambda item: item["TransactionalId"],
    "DescribeClientQuotas.Entries": lambda item: repr(sorted((part["EntityType"], part["EntityName"] or "") for part in item["Entity"])),
    "DescribeClientQuotas.Entries.Entity": lambda item: item["EntityType"],
    "DescribeClientQuotas.Entries.Values": lambda item: item["Key"],
    "DescribeUserScramCredentials.Results": lambda item: item["User"],
    "AlterUserScramCredentials.Results": lambda item: item["User"],
    "AddPartitionsToTxn.ResultsByTransaction": lambda item: item["TransactionalId"],
    "DescribeProducers.Topics": by_name,
    "DescribeProducers.Topics.Partitions.ActiveProducers": lambda item: (item["CurrentTxnStartOffset"], item["LastSequence"]),
    "DescribeProducers.Topics.Partitions": lambda item: item["PartitionIndex"],
    "ListTransactions.TransactionStates": lambda item: item["TransactionalId"],
    "TxnOffsetCommit.Topics": by_name,
    "DescribeLogDirs.Results.Topics": by_name,
    "DescribeLogDirs.Results.Topics.Partitions": lambda item: item["PartitionIndex"],
    "ElectLeaders.ReplicaElectionResults": lambda item: item["Topic"],
    "ListConfigResources.ConfigResources": lambda item: (item.get("ResourceType", 16), item["ResourceName"]),
    "ConsumerGroupDescribe.Groups.Members": consumer_member,
    "DescribeGroups.Groups.Members": classic_member,
    "ConsumerGroupDescribe.Groups": lambda item: item["GroupId"],
    "DeleteGroups.Results": lambda item: item["GroupId"],
    "DescribeGroups.Groups": lambda item: item["GroupId"],
    "ListGroups.Groups": lambda item: item["GroupId"],
    "OffsetFetch.Groups": lambda item: item["GroupId"],
    "OffsetFetch.Groups.Topics": lambda item: item.get("Name") or "",
    "OffsetFetch.Groups.Topics.Partitions": lambda item: item["PartitionIndex"],
    "OffsetFetch.Topics": by_name,
    "OffsetFetch.Topics.Partitions": lambda item: item["PartitionIndex"],
    "OffsetCommit.Topics": by_name,
    "OffsetCommit.Topics.Partitions": lambda item: item["PartitionIndex"],
    "OffsetDelete.Topics": by_name,
    "OffsetDelete.Topics.Partitions": lambda item: item["PartitionIndex"],
    "Produce.Responses.PartitionResponses": lambda item: item["Index"],
    "UpdateFeatures.Results": lambda item: item["Feature"],
    "DescribeTopicPartitions.Topics": by_name,
    "Metadata.Topics": by_name,
    "Metadata.Topics.Partitions": lambda item: item["PartitionIndex"],
}
