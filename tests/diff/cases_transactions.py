# SPDX-License-Identifier: Apache-2.0
"""Producer ids and transactions, step by step, in every version."""
from cases_data import fetch, offsets, produce
from cases_groups import PATIENT_MS, ready, transactions_ready
from cases_topics import create
from pair import Var
from records import batch


def case_init_producer_id(d):
    d.kafka.until("InitProducerId", 4, dict(TransactionalId=None), lambda answer: answer["ErrorCode"] == 0)
    for v in d.versions("InitProducerId"):
        d.same("InitProducerId", v, dict(TransactionalId=None, TransactionTimeoutMs=PATIENT_MS), note="v%d idempotent" % v)
        d.same("InitProducerId", v, dict(TransactionalId="", TransactionTimeoutMs=PATIENT_MS), note="v%d empty id" % v)
        d.same("InitProducerId", v, dict(TransactionalId=None, TransactionTimeoutMs=-1), note="v%d timeout -1" % v)
        if v >= 3:
            for pid, epoch in ((5, -1), (-1, 5), (123456789, 3)):
                d.same("InitProducerId", v, dict(TransactionalId=None, TransactionTimeoutMs=PATIENT_MS, ProducerId=pid, ProducerEpoch=epoch),
                       note="v%d id %d epoch %d" % (v, pid, epoch))


def case_transactions(d):
    if "EndTxn" not in d.served:
        return
    ready(d)
    transactions_ready(d)
    create(d, "txn-top", 2)
    for v in range(0, 5):
        name = "txn-%d" % v
        d.until("InitProducerId", min(v, 4), dict(TransactionalId=name, TransactionTimeoutMs=PATIENT_MS), lambda a: a["ErrorCode"] == 0)
        for timeout in (0, -1, 900001):
            d.same("InitProducerId", min(v, 4), dict(TransactionalId=name + "-t", TransactionTimeoutMs=timeout), note="timeout %d" % timeout)
        answers = d.same("InitProducerId", min(v, 4), dict(TransactionalId=name, TransactionTimeoutMs=PATIENT_MS), note="again (%s)" % name)
        pid, end_v, add_v = Var("pid of " + name), min(v, 4), min(v, 3)
        d.learn(pid.label, answers, lambda answer: answer["ProducerId"])
        epoch = Var("epoch of " + name)
        d.learn(epoch.label, answers, lambda answer: answer["ProducerEpoch"])

        def ask(api, version, note, **body):
            return d.same(api, version, body, note="%s (%s)" % (note, name))

        def end(note, commit, pid=pid, epoch=epoch, name=name):
            ask("EndTxn", end_v, note, TransactionalId=name, ProducerId=pid, ProducerEpoch=epoch, Committed=commit)

        def add(note, partitions, pid=pid, epoch=epoch, name=name, topic="txn-top"):
            ask("AddPartitionsToTxn", add_v, note, V3AndBelowTransactionalId=name, V3AndBelowProducerId=pid, V3AndBelowProducerEpoch=epoch,
                V3AndBelowTopics=[dict(Name=topic, Partitions=partitions)])

        def put(note, partition=0, sequence=0, pid=pid, epoch=epoch, txn=name):
            for peer in (d.kafka, d.weir):
                peer.learn("batch", batch([(b"k", b"v")], attributes=0x10, pid=peer.resolve(pid), epoch=peer.resolve(epoch), sequence=sequence))
            ask("Produce", 9, note, **produce("txn-top", Var("batch"), partition=partition, txn=txn))
        end("commit of nothing", True)
        end("abort of nothing", False)
        add("unknown partition", [0, 7])
        add("unknown topic", [0], topic="absent")
        add("wrong epoch", [0], epoch=99)
        add("wrong producer", [0], pid=123456)
        add("unknown id", [0], name="nobody")
        put("not a part of it yet", 1)
        add("a partition", [0])
        add("the same again", [0])
        put("in the transaction")
        for peer in (d.kafka, d.weir):
            peer.learn("first batch of " + name, peer.values["batch"])
        put("next", sequence=1)
        put("a gap", sequence=9)
        d.same("Produce", 9, produce("txn-top", Var("first batch of " + name), txn="nobody"), note="of nobody's transaction")
        for isolation in (0, 1):
            ask("ListOffsets", 7, "open, isolation %d" % isolation, **offsets("txn-top", -1, isolation=isolation))
        if v == 0:
            for isolation in (0, 1):
                ask("Fetch", 12, "open, isolation %d" % isolation, **dict(fetch("txn-top", isolation=isolation), MaxWaitMs=1))
        ask("DescribeTransactions", 0, "open", TransactionalIds=[name, "nobody", ""])
        ask("DescribeProducers", 0, "open", Topics=[dict(Name="txn-top", PartitionIndexes=[0, 9]), dict(Name="absent", PartitionIndexes=[0])])
        ask("AddOffsetsToTxn", add_v, "group", TransactionalId=name, ProducerId=pid, ProducerEpoch=epoch, GroupId="g-" + name)
        commits = [dict(Name="txn-top", Partitions=[dict(PartitionIndex=0, CommittedOffset=7, CommittedMetadata="m")])]
        ask("TxnOffsetCommit", min(v, 3), "offsets", TransactionalId=name, GroupId="g-" + name, ProducerId=pid, ProducerEpoch=epoch, Topics=commits)
        ask("TxnOffsetCommit", min(v, 3), "offsets, wrong epoch", TransactionalId=name, GroupId="g-" + name, ProducerId=pid, ProducerEpoch=99, Topics=commits)
        for stable in (False, True):
            ask("OffsetFetch", 7, "pending, stable %s" % stable, GroupId="g-" + name, RequireStable=stable, Topics=[
                dict(Name="txn-top", PartitionIndexes=[0])])
        end("wrong epoch", True, epoch=99)
        end("wrong producer", True, pid=123456)
        end("unknown id", True, name="nobody")
        end("commit" if v % 2 else "abort", bool(v % 2))
        d.until("DescribeTransactions", 0, dict(TransactionalIds=[name]), lambda a: a["TransactionStates"][0]["TransactionState"].startswith("Complete"))
        end("the same again", bool(v % 2))
        end("the opposite", not v % 2)
        for isolation in (0, 1):
            ask("ListOffsets", 7, "ended, isolation %d" % isolation, **offsets("txn-top", -1, isolation=isolation))
        ask("OffsetFetch", 7, "ended", GroupId="g-" + name, RequireStable=True, Topics=[dict(Name="txn-top", PartitionIndexes=[0])])
        put("after the end", sequence=2)
        ask("DescribeTransactions", 0, "ended", TransactionalIds=[name])
    for v in d.versions("ListTransactions"):
        for states in ([], ["Ongoing"], ["CompleteCommit"], ["nope"]):
            for pids in ([], [99999]):
                d.same("ListTransactions", v, dict(StateFilters=states, ProducerIdFilters=pids))


def case_transactions_of_version_2(d):
    """KIP-890: writing makes a partition part of the transaction, each end bumps the epoch."""
    ready(d)
    transactions_ready(d)
    create(d, "txn-two", 2)
    name = "txn-v2"
    d.until("InitProducerId", 5, dict(TransactionalId=name, TransactionTimeoutMs=PATIENT_MS), lambda a: a["ErrorCode"] == 0)
    answers = d.same("InitProducerId", 5, dict(TransactionalId=name, TransactionTimeoutMs=PATIENT_MS))
    pid, epoch = Var("pid of " + name), Var("epoch of " + name)
    d.learn(pid.label, answers, lambda answer: answer["ProducerId"])
    d.learn(epoch.label, answers, lambda answer: answer["ProducerEpoch"])
    commits = [dict(Name="txn-two", Partitions=[dict(PartitionIndex=0, CommittedOffset=7, CommittedMetadata="m")])]
    for turn in range(3):
        for peer in (d.kafka, d.weir):
            peer.learn("batch", batch([(b"k", b"v")], attributes=0x10, pid=peer.values[pid.label], epoch=peer.values[epoch.label],
                                      sequence=0))
        d.same("Produce", 12, produce("txn-two", Var("batch"), txn=name), note="joins (%d)" % turn)
        for v in (4, 5):
            d.same("TxnOffsetCommit", v, dict(TransactionalId=name, GroupId="g-two", ProducerId=pid, ProducerEpoch=epoch if v > 4 else 99,
                                              Topics=commits), note="v%d (%d)" % (v, turn))
        d.same("AddOffsetsToTxn", 4, dict(TransactionalId=name, ProducerId=pid, ProducerEpoch=epoch, GroupId="g-two"), note="turn %d" % turn)
        d.same("EndTxn", 5, dict(TransactionalId=name, ProducerId=123456, ProducerEpoch=0, Committed=True), note="wrong producer (%d)" % turn)
        answers = d.same("EndTxn", 5, dict(TransactionalId=name, ProducerId=pid, ProducerEpoch=epoch, Committed=turn != 1), note="turn %d" % turn)
        d.learn(epoch.label, answers, lambda answer: answer["ProducerEpoch"])
        d.until("DescribeTransactions", 0, dict(TransactionalIds=[name]),
                lambda a: a["TransactionStates"][0]["TransactionState"].startswith("Complete"))
        d.same("OffsetFetch", 9, dict(RequireStable=True, Groups=[dict(GroupId="g-two", Topics=[dict(Name="txn-two", PartitionIndexes=[0])])]))
        for isolation in (0, 1):
            d.same("ListOffsets", 7, offsets("txn-two", -1, isolation=isolation))
    for v in (4, 5):
        d.same("AddPartitionsToTxn", v, dict(Transactions=[dict(
            TransactionalId=name, ProducerId=pid, ProducerEpoch=epoch, VerifyOnly=True, Topics=[dict(Name="txn-two", Partitions=[0])])]))
        d.same("AddPartitionsToTxn", v, dict(Transactions=[dict(
            TransactionalId="nobody", ProducerId=5, ProducerEpoch=0, VerifyOnly=False, Topics=[dict(Name="txn-two", Partitions=[0])])]))
    for v in d.versions("WriteTxnMarkers"):
        for topic, parts in (("txn-two", [1]), ("txn-two", [9]), ("absent", [0])):
            d.same("WriteTxnMarkers", v, dict(Markers=[dict(ProducerId=777, ProducerEpoch=0, TransactionResult=False, CoordinatorEpoch=0,
                                                            Topics=[dict(Name=topic, PartitionIndexes=parts)])]))
        d.same("WriteTxnMarkers", v, dict(Markers=[]))
