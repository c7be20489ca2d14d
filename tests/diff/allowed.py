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
    "Metadata.Topics": by_name,
    "Metadata.Topics.Partitions": lambda item: item["PartitionIndex"],
}
