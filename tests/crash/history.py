"""What a history of clients must not show. An event is a dict of worker.py; `log` is what is there in the end:
{"all": {partition: {offset: value}}, "committed": the same, for readers of committed records}; a value is
[producer, partition, number, transaction or None]."""
import collections


def check(events, log):
    """Every broken promise, as a sentence."""
    return [*lost(events, log), *doubled_or_reordered(events, log), *changed(events, log), *transactions(events, log),
            *dirty(events, log), *readers(events, log), *committed_offsets(events)]


def value_of(event):
    return [event["by"], event["partition"], event["n"], event["txn"]]


def lost(events, log):
    for event in events:
        if event["op"] == "acked":
            found = log["all"][event["partition"]].get(event["offset"])
            if found != value_of(event):
                yield f"lost: {value_of(event)} was acknowledged at offset {event['offset']}, there is {found}"


def doubled_or_reordered(events, log):
    """A plain producer may send what it knows nothing of again; what it sends first comes in order."""
    kinds = {event["by"]: event["kind"] for event in events}
    for partition, records in log["all"].items():
        seen, last = collections.defaultdict(set), collections.defaultdict(lambda: -1)
        for offset, (producer, _, number, _) in sorted(records.items()):
            if number in seen[producer]:
                if kinds.get(producer) != "plain":
                    yield f"doubled: {producer}'s {number} of partition {partition}, again at offset {offset}"
            elif number < last[producer]:
                yield f"reordered: {producer}'s {number} behind its {last[producer]}, partition {partition} offset {offset}"
            seen[producer].add(number)
            last[producer] = max(last[producer], number)


def changed(events, log):
    for event in events:
        if event["op"] == "read" and log["all"][event["partition"]].get(event["offset"]) != event["value"]:
            yield (f"changed: {event['by']} read {event['value']} at {event['partition']}:{event['offset']}, "
                   f"there is {log['all'][event['partition']].get(event['offset'])}")


def transactions(events, log):
    """All or nothing of each transaction, as its producer was told."""
    sent, ended = collections.defaultdict(list), collections.defaultdict(set)
    for event in events:
        if event["op"] == "acked" and event["txn"]:
            sent[event["by"], event["txn"]].append(value_of(event))
        elif event["op"] in ("commit", "committed", "aborted") and event["kind"] == "transactional":
            ended[event["by"], event["txn"]].add(event["op"])
    visible = {tuple(value) for records in log["committed"].values() for value in records.values()}
    for txn, values in sent.items():
        there = sum(tuple(value) in visible for value in values)
        if 0 < there < len(values):
            yield f"torn: {there} of the {len(values)} records of transaction {txn} are there"
        if "committed" in ended[txn] and there < len(values):
            yield f"lost: transaction {txn} was committed, {there} of its {len(values)} records are there"
        if there and ("aborted" in ended[txn] or "commit" not in ended[txn]):
            yield f"dirty: transaction {txn} was not committed, {there} of its records are there"


def dirty(events, log):
    for event in events:
        if event["op"] == "read" and event["kind"].endswith("committed"):
            if event["offset"] not in log["committed"][event["partition"]]:
                yield f"dirty: {event['by']} read {event['value']}, which was not committed"


def readers(events, log):
    """From where it was assigned a reader sees each record once, in order."""
    view, places = {}, {}
    for event in events:
        here = event["by"], event.get("partition")
        if event["op"] == "assigned":
            places[here] = event["offset"]
        elif event["op"] == "unknown":
            places.pop(here, None)
        elif event["op"] == "read" and here in places:
            which = "committed" if event["kind"].endswith("committed") else "all"
            if event["offset"] < places[here]:
                yield f"back: {event['by']} read offset {event['offset']} of {here[1]}, it was at {places[here]}"
            if (which, here[1]) not in view:
                view[which, here[1]] = sorted(log[which][here[1]])
            skipped = [offset for offset in between(view[which, here[1]], places[here], event["offset"])]
            if skipped:
                yield f"skipped: {event['by']} did not read offsets {skipped[:5]} of {here[1]}"
            places[here] = event["offset"] + 1


def between(offsets, low, high):
    import bisect
    return offsets[bisect.bisect_left(offsets, low):bisect.bisect_left(offsets, high)]


def committed_offsets(events):
    """What a group was told is committed is what the next one begins with, or more."""
    commits = collections.defaultdict(list)
    for event in events:
        if event["op"] == "committed" and event["kind"].startswith("group"):
            commits[event["kind"], event["partition"]].append((event["at"], event["offset"], event["by"]))
    for event in events:
        if event["op"] == "assigned" and "asked" in event:
            for at, offset, by in commits[event["kind"], event["partition"]]:
                if at < event["asked"] and offset > event["offset"]:
                    yield (f"back: {by} committed {offset} of {event['partition']}, "
                           f"{event['by']} was given {event['offset']} afterwards")
                    break
