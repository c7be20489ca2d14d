# SPDX-License-Identifier: Apache-2.0
"""Signing in where nobody has to, ACLs without an authorizer, quotas and users: as a plain broker answers."""


def case_sasl_on_a_plain_listener(d):
    for v in d.versions("SaslHandshake"):
        for mechanism in ("PLAIN", "NOPE", ""):
            d.same("SaslHandshake", v, dict(Mechanism=mechanism))
    for v in d.versions("SaslAuthenticate"):
        for data in (b"", b"\0a\0b"):
            d.same("SaslAuthenticate", v, dict(AuthBytes=data))


def case_acls_without_an_authorizer(d):
    rule = dict(ResourceType=2, ResourceName="t", Principal="User:a", Host="*", Operation=3, PermissionType=3, ResourcePatternType=3)
    match = dict(ResourceTypeFilter=1, ResourceNameFilter=None, PrincipalFilter=None, HostFilter=None, Operation=1, PermissionType=1,
                 PatternTypeFilter=3)
    for v in d.versions("DescribeAcls"):
        d.same("DescribeAcls", v, match)
        d.same("DescribeAcls", v, dict(match, ResourceTypeFilter=2, ResourceNameFilter="t"))
    for v in d.versions("CreateAcls"):
        d.same("CreateAcls", v, dict(Creations=[rule]))
        d.same("CreateAcls", v, dict(Creations=[rule, dict(rule, ResourceName="u")]))
        d.same("CreateAcls", v, dict(Creations=[]))
    for v in d.versions("DeleteAcls"):
        d.same("DeleteAcls", v, dict(Filters=[match]))
        d.same("DeleteAcls", v, dict(Filters=[]))


def case_client_quotas(d):
    def entity(*parts):
        return [dict(EntityType=kind, EntityName=name) for kind, name in parts]

    def look(v):
        for strict in (False, True):
            for parts in ([], [("user", 0, "u")], [("user", 1, None)], [("user", 2, None)], [("client-id", 0, "c")],
                          [("user", 0, "u"), ("client-id", 2, None)], [("nope", 0, "u")], [("user", 0, "u"), ("user", 0, "u")],
                          [("user", 3, "u")], [("user", 0, None)], [("ip", 0, "127.0.0.1")]):
                d.same("DescribeClientQuotas", v, dict(Strict=strict, Components=[
                    dict(EntityType=kind, MatchType=how, Match=name) for kind, how, name in parts]), settle=True)
    for v in d.versions("AlterClientQuotas"):
        look(v)
        for only in (True, False):
            for parts, key, value, remove in (
                    ([("user", "u")], "producer_byte_rate", 1e9, False), ([("user", None)], "consumer_byte_rate", 1e9, False),
                    ([("user", "u"), ("client-id", "c")], "producer_byte_rate", 1e9, False),
                    ([("client-id", None)], "producer_byte_rate", 1e9, False), ([("user", "u")], "nope", 1.0, False),
                    ([("nope", "u")], "producer_byte_rate", 1e9, False), ([], "producer_byte_rate", 1e9, False),
                    ([("user", "u")], "producer_byte_rate", -1.0, False), ([("user", "u")], "producer_byte_rate", 0.0, False),
                    ([("user", "")], "producer_byte_rate", 1e9, False), ([("user", "u"), ("ip", "127.0.0.1")], "connection_creation_rate", 1e9, False),
                    ([("user", "u")], "producer_byte_rate", 0.0, True), ([("user", "absent")], "producer_byte_rate", 0.0, True)):
                d.same("AlterClientQuotas", v, dict(ValidateOnly=only, Entries=[dict(Entity=entity(*parts), Ops=[
                    dict(Key=key, Value=value, Remove=remove)])]))
        look(v)
        d.same("AlterClientQuotas", v, dict(ValidateOnly=True, Entries=[dict(Entity=entity(("user", "u")), Ops=[
            dict(Key="request_percentage", Value=50.0, Remove=False)])]), note="request_percentage")
        for parts, key in (([("user", None)], "consumer_byte_rate"), ([("user", "u"), ("client-id", "c")], "producer_byte_rate"),
                           ([("client-id", None)], "producer_byte_rate")):
            d.same("AlterClientQuotas", v, dict(ValidateOnly=False, Entries=[dict(Entity=entity(*parts), Ops=[
                dict(Key=key, Value=0.0, Remove=True)])]))


def case_scram_users(d):
    def look():
        for users in (None, [], ["u"], ["u", "u"], ["absent", "u"], [""]):
            d.same("DescribeUserScramCredentials", 0, dict(Users=None if users is None else [dict(Name=name) for name in users]), settle=True)

    def add(name, mechanism=1, iterations=4096, salt=b"salt", password=b"p" * 32):
        return dict(Name=name, Mechanism=mechanism, Iterations=iterations, Salt=salt, SaltedPassword=password)

    def alter(deletions=(), upsertions=()):
        d.same("AlterUserScramCredentials", 0, dict(Deletions=[dict(Name=n, Mechanism=m) for n, m in deletions], Upsertions=list(upsertions)))
    look()
    alter(upsertions=[add("u")])
    look()
    alter(upsertions=[add("u", 2, password=b"p" * 64), add("w")])
    look()
    for bad in (add("x", 0), add("x", 3), add("x", iterations=4095), add("x", iterations=16385), add("x", iterations=-1), add(""),
                add("x", password=b"")):
        alter(upsertions=[bad])
    d.same("AlterUserScramCredentials", 0, dict(Deletions=[], Upsertions=[add("y", salt=b"")]), note="a user without salt")
    d.kafka.call("AlterUserScramCredentials", 0, dict(Deletions=[dict(Name="y", Mechanism=1)]))
    alter(upsertions=[add("x"), add("x")])
    alter([("u", 1)], [add("u")])
    alter([("absent", 1), ("u", 9), ("", 1)])
    alter([("u", 1), ("u", 2), ("w", 1)])
    alter([("u", 1)])
    alter()
    look()
