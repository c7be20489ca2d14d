# SPDX-License-Identifier: Apache-2.0
"""Where an answer of weir may differ from Kafka's, and why. The only such place.

A row: a pattern of API and field ("*" crosses dots), what both values must satisfy, the reason.
"""
import os

LATE_S = float(os.environ.get("DIFF_LATE_S", 20))  # how long Kafka's brokers may take to see what its controller has decided


def any_two(kafka, weir):
    return True


def both_there(kafka, weir):
    return bool(kafka) and bool(weir)


ALLOWED = [
    ("*.ThrottleTimeMs", any_two, "throttle times depend on the load"),
    ("*.ErrorMessage", lambda k, w: k is None or w is not None or k == "", "texts of errors are our own"),
    ("*.BatchIndexErrorMessage", any_two, "texts of errors are our own"),
    ("*.Host", both_there, "each has its own address"),
    ("*.Port", both_there, "each has its own address"),
    ("*.ClusterId", both_there, "each cluster has its own id"),
    ("FindCoordinator.Coordinators.ErrorMessage", any_two, "texts of errors are our own"),
    ("ApiVersions.FinalizedFeaturesEpoch", both_there, "an offset in the metadata log of Kafka's controllers"),
    ("Metadata.Topics.ErrorCode", lambda k, w: k == 3 and w == 0, "a topic made by asking for it is there at once"),
    ("Metadata.Topics.Partitions", lambda k, w: k is None and w["ErrorCode"] == 0,
     "a topic made by asking for it is there at once"),
    ("Metadata.Topics.TopicId", lambda k, w: k == bytes(16), "a topic made by asking for it is there at once"),
]

def internal(topic):
    return (topic["Name"] or "").startswith("__")


# Items of lists that are not compared at all.
LEFT_OUT = [
    ("Metadata.Topics", internal, "the broker's own topics: other partitions, made at other times"),
    ("DescribeTopicPartitions.Topics", internal, "the broker's own topics: other partitions, made at other times"),
    ("CreateTopics.Topics", internal, "the broker's own topics: other partitions, made at other times"),
]

# Lists whose order Kafka does not promise: the key both are sorted by.
def by_name(item):
    return item["Name"] or ""


ORDER = {
    "ApiVersions.ApiKeys": lambda item: item["ApiKey"],
    "ApiVersions.SupportedFeatures": by_name,
    "ApiVersions.FinalizedFeatures": by_name,
    "CreateTopics.Topics": by_name,
    "CreateTopics.Topics.Configs": by_name,
    "CreatePartitions.Results": by_name,
    "DeleteTopics.Responses": lambda item: ((item["Name"] or ""), item.get("TopicId", b"") if not item["Name"] else b""),
    "DescribeTopicPartitions.Topics": by_name,
    "Metadata.Topics": by_name,
    "Metadata.Topics.Partitions": lambda item: item["PartitionIndex"],
}
