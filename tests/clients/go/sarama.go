// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// A member of a group: what it owns now and what it has read.
type saramaMember struct {
	group  sarama.ConsumerGroup
	cancel context.CancelFunc
	done   chan bool
	lock   sync.Mutex
	owned  int
	values []string
}

func (member *saramaMember) Setup(session sarama.ConsumerGroupSession) error {
	member.lock.Lock()
	defer member.lock.Unlock()
	for _, partitions := range session.Claims() {
		member.owned = len(partitions)
	}
	return nil
}

func (member *saramaMember) Cleanup(sarama.ConsumerGroupSession) error {
	member.lock.Lock()
	defer member.lock.Unlock()
	member.owned = 0
	return nil
}

func (member *saramaMember) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			member.lock.Lock()
			member.values = append(member.values, string(message.Value))
			member.lock.Unlock()
			session.MarkMessage(message, "")
		case <-session.Context().Done():
			return nil
		}
	}
}

func newSaramaMember(broker, topic string, config *sarama.Config) *saramaMember {
	group, err := sarama.NewConsumerGroup([]string{broker}, topic, config)
	check(err)
	ctx, cancel := context.WithCancel(context.Background())
	member := &saramaMember{group: group, cancel: cancel, done: make(chan bool)}
	go func() {
		for ctx.Err() == nil {
			check(group.Consume(ctx, []string{topic}, member))
		}
		close(member.done)
	}()
	return member
}

func (member *saramaMember) count() (owned, read int) {
	member.lock.Lock()
	defer member.lock.Unlock()
	return member.owned, len(member.values)
}

func (member *saramaMember) close() {
	member.cancel()
	<-member.done
	check(member.group.Close())
}

func saramaConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Transaction.Retry.Max = 600 // of 100 ms each, while the transaction before has yet to end
	config.Net.MaxOpenRequests = 1
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Group.Session.Timeout = 30 * time.Second
	config.Consumer.Group.Heartbeat.Interval = 200 * time.Millisecond
	config.Consumer.Offsets.AutoCommit.Interval = 200 * time.Millisecond
	return config
}

func saramaTransactions(broker string) {
	topic := fmt.Sprintf("sarama-txn-%d", time.Now().UnixNano())
	admin, err := sarama.NewClusterAdmin([]string{broker}, saramaConfig())
	check(err)
	defer admin.Close()
	check(admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false))
	config := saramaConfig()
	config.Producer.Transaction.ID = topic
	producer, err := sarama.NewSyncProducer([]string{broker}, config)
	check(err)
	metadata := "why"
	for _, fate := range []string{"dropped", "kept"} {
		check(producer.BeginTxn())
		for i := 0; i < 10; i++ {
			_, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(fate)})
			check(err)
		}
		offsets := map[string][]*sarama.PartitionOffsetMetadata{topic: {{Partition: 0, Offset: 7, Metadata: &metadata}}}
		check(producer.AddOffsetsToTxn(offsets, topic))
		if fate == "kept" {
			check(producer.CommitTxn())
		} else {
			check(producer.AbortTxn())
		}
	}
	check(producer.Close())
	until("the offset of the transaction", func() bool { // its marker may come after the answer
		kept, err := admin.ListConsumerGroupOffsets(topic, map[string][]int32{topic: {0}})
		check(err)
		return kept.GetBlock(topic, 0).Offset == 7
	})
	for _, level := range []sarama.IsolationLevel{sarama.ReadCommitted, sarama.ReadUncommitted} {
		config := saramaConfig()
		config.Consumer.IsolationLevel = level
		consumer, err := sarama.NewConsumer([]string{broker}, config)
		check(err)
		partition, err := consumer.ConsumePartition(topic, 0, sarama.OffsetOldest)
		check(err)
		got, wanted := []string{}, fates(level == sarama.ReadCommitted)
		for len(got) < len(wanted) {
			select {
			case message := <-partition.Messages():
				got = append(got, string(message.Value))
			case <-time.After(deadline):
				panic(fmt.Sprint("waited for records of transactions, got ", got))
			}
		}
		same(fmt.Sprint(wanted), fmt.Sprint(got))
		check(partition.Close())
		check(consumer.Close())
	}
}

func saramaWalk(broker string) {
	topic := fmt.Sprintf("sarama-%d", time.Now().UnixNano())
	admin, err := sarama.NewClusterAdmin([]string{broker}, saramaConfig())
	check(err)
	defer admin.Close()
	retention := "1000000"
	detail := &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1, ConfigEntries: map[string]*string{"retention.ms": &retention}}
	check(admin.CreateTopic(topic, detail, false))
	same(true, errors.Is(admin.CreateTopic(topic, detail, false), sarama.ErrTopicAlreadyExists))

	var wanted []string
	codecs := []sarama.CompressionCodec{sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy,
		sarama.CompressionLZ4, sarama.CompressionZSTD}
	for n, codec := range codecs {
		config := saramaConfig()
		config.Producer.Compression = codec
		producer, err := sarama.NewSyncProducer([]string{broker}, config)
		check(err)
		var messages []*sarama.ProducerMessage
		for i := 0; i < 100; i++ {
			value := fmt.Sprintf("%d %d", n, i)
			wanted = append(wanted, value)
			messages = append(messages, &sarama.ProducerMessage{Topic: topic, Partition: int32(i % 2), Value: sarama.StringEncoder(value),
				Headers: []sarama.RecordHeader{{Key: []byte("n"), Value: []byte(value)}}})
		}
		check(producer.SendMessages(messages))
		check(producer.Close())
	}

	first := newSaramaMember(broker, topic, saramaConfig())
	until("all records", func() bool { _, read := first.count(); return read >= len(wanted) })
	same(sorted(wanted), sorted(first.values))
	second := newSaramaMember(broker, topic, saramaConfig())
	until("one partition for each member", func() bool {
		ours, _ := first.count()
		theirs, _ := second.count()
		return ours == 1 && theirs == 1
	})
	groups, err := admin.DescribeConsumerGroups([]string{topic})
	check(err)
	same(2, len(groups[0].Members))
	first.close()
	until("both partitions for the member that stays", func() bool { owned, _ := second.count(); return owned == 2 })
	second.close()
	same(0, len(second.values))

	offsets, err := admin.ListConsumerGroupOffsets(topic, map[string][]int32{topic: {0, 1}})
	check(err)
	same(int64(250), offsets.GetBlock(topic, 1).Offset)
	check(admin.DeleteRecords(topic, map[int32]int64{0: 40}))
	client, err := sarama.NewClient([]string{broker}, saramaConfig())
	check(err)
	defer client.Close()
	oldest, err := client.GetOffset(topic, 0, sarama.OffsetOldest)
	check(err)
	same(int64(40), oldest)
	newest, err := client.GetOffset(topic, 1, sarama.OffsetNewest)
	check(err)
	same(int64(250), newest)
	entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{"retention.ms"}})
	check(err)
	same(retention, entries[0].Value)
	check(admin.CreatePartitions(topic, 3, nil, false))
	check(admin.DeleteConsumerGroup(topic))
	check(admin.DeleteTopic(topic))
}
