// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Of its own it waits for 10 s, and then tells a consumer that its group's session is over.
var franzPatient = kgo.RequestTimeoutOverhead(deadline)

// A consumer in a group that polls until it is closed.
type franzMember struct {
	client *kgo.Client
	lock   sync.Mutex
	owns   map[int32]bool
	values []string
	done   chan bool
}

func newFranzMember(broker, topic string, more ...kgo.Opt) *franzMember {
	member := &franzMember{owns: map[int32]bool{}, done: make(chan bool)}
	moved := func(owns bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			member.lock.Lock()
			defer member.lock.Unlock()
			for _, partition := range partitions[topic] {
				if owns {
					member.owns[partition] = true
				} else {
					delete(member.owns, partition)
				}
			}
		}
	}
	client, err := kgo.NewClient(append(more, franzPatient, kgo.SeedBrokers(broker), kgo.ConsumerGroup(topic), kgo.ConsumeTopics(topic),
		kgo.HeartbeatInterval(200*time.Millisecond), kgo.OnPartitionsAssigned(moved(true)), kgo.OnPartitionsRevoked(moved(false)),
		kgo.OnPartitionsLost(moved(false)), kgo.AutoCommitInterval(200*time.Millisecond))...)
	check(err)
	member.client = client
	go func() {
		for {
			fetches := client.PollFetches(context.Background())
			if fetches.IsClientClosed() {
				close(member.done)
				return
			}
			fetches.EachError(func(_ string, _ int32, err error) { check(err) })
			fetches.EachRecord(func(record *kgo.Record) {
				member.lock.Lock()
				member.values = append(member.values, string(record.Value))
				member.lock.Unlock()
			})
		}
	}()
	return member
}

func (member *franzMember) count() (owned, read int) {
	member.lock.Lock()
	defer member.lock.Unlock()
	return len(member.owns), len(member.values)
}

func (member *franzMember) close() {
	check(member.client.CommitUncommittedOffsets(context.Background()))
	member.client.Close()
	<-member.done
}

// The groups of KIP-848.
func franzConsumerProtocol(broker string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*deadline)
	defer cancel()
	topic := fmt.Sprintf("franz-848-%d", time.Now().UnixNano())
	client, err := kgo.NewClient(franzPatient, kgo.SeedBrokers(broker), kgo.DefaultProduceTopic(topic))
	check(err)
	defer client.Close()
	_, err = kadm.NewClient(client).CreateTopic(ctx, 2, 1, nil, topic)
	check(err)
	for i := 0; i < 10; i++ {
		check(client.ProduceSync(ctx, kgo.StringRecord(fmt.Sprint(i))).FirstErr())
	}
	first := newFranzMember(broker, topic, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()))
	until("all records", func() bool { _, read := first.count(); return read == 10 })
	check(first.client.CommitUncommittedOffsets(ctx))
	second := newFranzMember(broker, topic, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()))
	until("one partition for each member", func() bool {
		ours, _ := first.count()
		theirs, _ := second.count()
		return ours == 1 && theirs == 1
	})
	first.close()
	until("both partitions for the member that stays", func() bool { owned, _ := second.count(); return owned == 2 })
	second.close()
	same(0, len(second.values))
}

func franzTransactions(broker string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*deadline)
	defer cancel()
	topic := fmt.Sprintf("franz-txn-%d", time.Now().UnixNano())
	client, err := kgo.NewClient(franzPatient, kgo.SeedBrokers(broker), kgo.TransactionalID(topic), kgo.DefaultProduceTopic(topic))
	check(err)
	defer client.Close()
	_, err = kadm.NewClient(client).CreateTopic(ctx, 1, 1, nil, topic)
	check(err)
	for _, fate := range []string{"dropped", "kept"} {
		check(client.BeginTransaction())
		for i := 0; i < 10; i++ {
			client.Produce(ctx, kgo.StringRecord(fate), func(_ *kgo.Record, err error) { check(err) })
		}
		check(client.Flush(ctx))
		check(client.EndTransaction(ctx, kgo.TransactionEndTry(fate == "kept")))
	}
	for _, level := range []kgo.IsolationLevel{kgo.ReadCommitted(), kgo.ReadUncommitted()} {
		reader, err := kgo.NewClient(franzPatient, kgo.SeedBrokers(broker), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(level),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		check(err)
		got, wanted := []string{}, fates(level == kgo.ReadCommitted())
		for len(got) < len(wanted) {
			fetches := reader.PollFetches(ctx)
			check(fetches.Err())
			fetches.EachRecord(func(record *kgo.Record) { got = append(got, string(record.Value)) })
		}
		same(fmt.Sprint(wanted), fmt.Sprint(got))
		reader.Close()
	}

	// Consume, change, produce: each record once, though a session is given up in between.
	source := topic + "-in"
	_, err = kadm.NewClient(client).CreateTopic(ctx, 1, 1, nil, source)
	check(err)
	_, err = kadm.NewClient(client).CreateTopic(ctx, 1, 1, nil, source+"-out")
	check(err)
	plain, err := kgo.NewClient(franzPatient, kgo.SeedBrokers(broker), kgo.DefaultProduceTopic(source))
	check(err)
	defer plain.Close()
	for i := 0; i < 10; i++ {
		check(plain.ProduceSync(ctx, kgo.StringRecord(fmt.Sprint(i))).FirstErr())
	}
	session, err := kgo.NewGroupTransactSession(franzPatient, kgo.SeedBrokers(broker), kgo.TransactionalID(source), kgo.ConsumerGroup(source),
		kgo.ConsumeTopics(source), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.DefaultProduceTopic(source+"-out"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.RequireStableFetchOffsets())
	check(err)
	defer session.Close()
	giveUp := true
	for carried := 0; carried < 10; {
		fetches := session.PollFetches(ctx)
		check(fetches.Err())
		check(session.Begin())
		fetches.EachRecord(func(record *kgo.Record) {
			session.Produce(ctx, kgo.StringRecord(string(record.Value)), nil)
		})
		committed, err := session.End(ctx, kgo.TransactionEndTry(!giveUp))
		check(err)
		if committed {
			carried += fetches.NumRecords()
		}
		giveUp = false
	}
	reader, err := kgo.NewClient(franzPatient, kgo.SeedBrokers(broker), kgo.ConsumeTopics(source+"-out"), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	check(err)
	defer reader.Close()
	got := ""
	for len(got) < len("0123456789") {
		reader.PollFetches(ctx).EachRecord(func(record *kgo.Record) { got += string(record.Value) })
	}
	same("0123456789", got)
}

func franzWalk(broker string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*deadline)
	defer cancel()
	topic := fmt.Sprintf("franz-%d", time.Now().UnixNano())
	client, err := kgo.NewClient(franzPatient, kgo.SeedBrokers(broker), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	check(err)
	defer client.Close()
	admin := kadm.NewClient(client)
	retention := "1000000"
	_, err = admin.CreateTopic(ctx, 2, 1, map[string]*string{"retention.ms": &retention}, topic)
	check(err)
	_, err = admin.CreateTopic(ctx, 2, 1, nil, topic)
	same(true, errors.Is(err, kerr.TopicAlreadyExists))

	var wanted []string
	codecs := []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(),
		kgo.ZstdCompression()}
	for n, codec := range codecs {
		producer, err := kgo.NewClient(franzPatient, kgo.SeedBrokers(broker), kgo.ProducerBatchCompression(codec),
			kgo.RecordPartitioner(kgo.ManualPartitioner()))
		check(err)
		var records []*kgo.Record
		for i := 0; i < 100; i++ {
			value := fmt.Sprintf("%d %d", n, i)
			wanted = append(wanted, value)
			records = append(records, &kgo.Record{Topic: topic, Partition: int32(i % 2), Key: []byte(value), Value: []byte(value),
				Headers: []kgo.RecordHeader{{Key: "n", Value: []byte(value)}}})
		}
		check(producer.ProduceSync(ctx, records...).FirstErr())
		producer.Close()
	}

	first := newFranzMember(broker, topic)
	until("all records", func() bool { _, read := first.count(); return read >= len(wanted) })
	same(sorted(wanted), sorted(first.values))
	check(first.client.CommitUncommittedOffsets(ctx))
	second := newFranzMember(broker, topic)
	until("one partition for each member", func() bool {
		ours, _ := first.count()
		theirs, _ := second.count()
		return ours == 1 && theirs == 1
	})
	described, err := admin.DescribeGroups(ctx, topic)
	check(err)
	same(2, len(described[topic].Members))
	first.close()
	until("both partitions for the member that stays", func() bool { owned, _ := second.count(); return owned == 2 })
	second.close()
	same(0, len(second.values))

	offsets, err := admin.FetchOffsets(ctx, topic)
	check(err)
	at, _ := offsets.Lookup(topic, 1)
	same(int64(250), at.At)
	ends, err := admin.ListEndOffsets(ctx, topic)
	check(err)
	end, _ := ends.Lookup(topic, 0)
	same(int64(250), end.Offset)
	after, err := admin.ListOffsetsAfterMilli(ctx, 0, topic)
	check(err)
	begin, _ := after.Lookup(topic, 0)
	same(int64(0), begin.Offset)
	cut := kadm.Offsets{}
	cut.Add(kadm.Offset{Topic: topic, Partition: 0, At: 40})
	deleted, err := admin.DeleteRecords(ctx, cut)
	check(err)
	low, _ := deleted.Lookup(topic, 0)
	same(int64(40), low.LowWatermark)
	configs, err := admin.DescribeTopicConfigs(ctx, topic)
	check(err)
	found := ""
	for _, config := range configs[0].Configs {
		if config.Key == "retention.ms" {
			found = config.MaybeValue()
		}
	}
	same(retention, found)
	lag, err := admin.Lag(ctx, topic)
	check(err)
	same(int64(0), lag[topic].Lag.Total())
	deletedGroups, err := admin.DeleteGroups(ctx, topic)
	check(err)
	check(deletedGroups.Error())
	_, err = admin.DeleteTopics(ctx, topic)
	check(err)
}
