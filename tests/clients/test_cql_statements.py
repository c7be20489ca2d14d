"""474 statements and what Apache Cassandra 5.0.9 answered: result columns, rows, and the words of its errors."""
import json
import re

import pytest
from cassandra.cluster import Cluster
from cassandra.query import SimpleStatement

from conftest import ROOT

# Where weir differs from Cassandra on purpose or not yet, by statement. A line here must say why in its group.
OURS = {
    "not supported here": r"CREATE (INDEX|TYPE|MATERIALIZED|ROLE|FUNCTION|AGGREGATE|TRIGGER)|GRANT|LIST |JSON|GROUP BY"
                          r"|a \+ 1, a|b \+ 1 FROM|\['x'\], s\['a'\]|l\[0\], m\[|writetime\(l\)",
    "depends on the moment or the machine": r"^SELECT \* FROM g.all$|DESCRIBE (CLUSTER|KEYSPACES)|WITH INTERNALS"
                                            r"|^(DESC|DESCRIBE) (SCHEMA|KEYSPACE g|TABLES|TABLE system.local)$",
    "Java's own words, or its lexer's": r"^-- only|b345\)$|1e400|c_ascii\) VALUES \(1, '.'\)|'1\.2\.3'\)$|ADD d int, e text"
                                        r"|a = \[1\]$",
    "functions of Cassandra 4 that 5 dropped": r"unixTimestampOf",
    "system tables are read only": r"system\.local$|INTO system\.local",
    "replication and compaction classes, bounds of options": r"KEYSPACE g2 WITH replication = \{'repl|KEYSPACE \"bad|KEYSPACE aaa"
                                                             r"|KEYSPACE system |'Nope'|g\.opt |\"bad-t\"|g\.aaaa|= -1$|g\.dup |ADD cc counter$",
}
# Same refusal, other words: this many at most, so that it only gets better.
WORDS_MAX = 26


def outcome(session, text):
    future = session.execute_async(SimpleStatement(text))
    try:
        result = future.result()
    except Exception as error:  # the driver's own classes name the error codes
        return {"err": type(error).__name__, "text": str(error)}
    cols = None
    if result.column_names:
        cols = [[n, t.cql_parameterized_type()] for n, t in zip(result.column_names, result.column_types)]
    return {"cols": cols, "rows": [list(map(repr, row)) for row in result] if cols else None}


def reason(text):
    return next((why for why, pattern in OURS.items() if re.search(pattern, text)), None)


@pytest.fixture(scope="module")
def session(weir):
    host, port = weir.at["cql"].rsplit(":", 1)
    cluster = Cluster([host], port=int(port), protocol_version=4, connect_timeout=60, control_connection_timeout=60,
                      max_schema_agreement_wait=60)
    session = cluster.connect()
    session.default_timeout = 60
    yield session
    cluster.shutdown()


def test_statements_have_cassandras_results_and_words(session):
    same, wrong, words = 0, [], []
    lines = (ROOT / "tests/golden/cql/cassandra-5.0.9-statements.jsonl").read_text().splitlines()
    for line in lines:
        want = json.loads(line)
        text = want.pop("q")
        want.pop("warn", None)
        got = outcome(session, text)
        report = f"{text}\n  Cassandra {want}\n  weir      {got}"
        if got == want:
            same += 1
        elif reason(text) is not None:
            continue
        elif "err" in want and want["err"] == got.get("err"):
            words.append(report)
        else:
            wrong.append(report)
    for keyspace in ("g", "g2"):
        session.execute(f"DROP KEYSPACE IF EXISTS {keyspace}")
    print(f"{same} of {len(lines)} as Cassandra, {len(words)} more refused in other words")
    assert not wrong, f"{len(wrong)} differ\n" + "\n".join(wrong)
    assert len(words) <= WORDS_MAX, "\n".join(words)
