# SPDX-License-Identifier: Apache-2.0
"""ApiVersions, coordinators, what the cluster says about itself."""
SOFTWARE = dict(ClientSoftwareName="diff", ClientSoftwareVersion="1.0")


def case_api_versions(d):
    for v in d.versions("ApiVersions"):
        d.same("ApiVersions", v, SOFTWARE)
    for v in (3, 4):
        for name in ("", "-", "a", "a-", "-a", "a.b", "a b", "ä", "a_b", "x" * 300, "a..b", "9", ".9"):
            d.same("ApiVersions", v, dict(ClientSoftwareName=name, ClientSoftwareVersion="1"))
            d.same("ApiVersions", v, dict(ClientSoftwareName="a", ClientSoftwareVersion=name))
    for v in d.versions("ApiVersions"):
        d.same("ApiVersions", v, SOFTWARE, note="null client id", client=None)
        d.same("ApiVersions", v, SOFTWARE, note="empty client id", client="")


def case_api_versions_of_the_future(d):
    for v in (5, 9, 99, 32767):
        d.raw("ApiVersions v%d" % v, d.codec.header(18, v, True) + b"\x02a\x02b\0", "ApiVersions", 0)
        d.raw("ApiVersions v%d, body of nobody" % v, d.codec.header(18, v, True) + b"\xff" * 9, "ApiVersions", 0)
        d.raw("ApiVersions v%d, no body" % v, d.codec.header(18, v, True), "ApiVersions", 0)
    d.raw("ApiVersions v-1", d.codec.header(18, -1, False), "ApiVersions", 0)


def case_find_coordinator(d):
    for kind, key in ((0, "g"), (1, "g"), (2, "g:%s:0" % ("A" * 22))):  # Kafka makes its topics when first asked
        d.kafka.until("FindCoordinator", 6, dict(KeyType=kind, CoordinatorKeys=[key]),
                      lambda answer: answer["Coordinators"][0]["ErrorCode"] == 0)
    for v in d.versions("FindCoordinator"):
        for kind in (0, 1, 2, 3, -1):
            for key in ("g", "", "g:%s:0" % ("A" * 22)):
                d.same("FindCoordinator", v, dict(Key=key, KeyType=kind, CoordinatorKeys=[key]),
                       note="a share group" if kind == 2 and ":" in key else "")
        d.same("FindCoordinator", v, dict(CoordinatorKeys=[]))
        d.same("FindCoordinator", v, dict(CoordinatorKeys=["a", "a", "", "b"]))


def case_describe_cluster(d):
    for v in d.versions("DescribeCluster"):
        for operations in (False, True):
            for kind in (0, 1, 2, 3, -1, 127):
                for fenced in (False, True):
                    d.same("DescribeCluster", v, dict(IncludeClusterAuthorizedOperations=operations, EndpointType=kind,
                                                      IncludeFencedBrokers=fenced))
