// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/kafka"
)

// The last librdkafka 1.x: this module carries it as a static library.

func rdConsumer(broker, group string, pairs ...kafka.ConfigMap) *kafka.Consumer {
	config := kafka.ConfigMap{"bootstrap.servers": broker, "group.id": group, "auto.offset.reset": "earliest",
		"enable.auto.commit": false, "heartbeat.interval.ms": 200, "session.timeout.ms": 30000}
	for _, more := range pairs {
		for key, value := range more {
			config[key] = value
		}
	}
	consumer, err := kafka.NewConsumer(&config)
	check(err)
	return consumer
}

// Adds what comes in 50 ms to values.
func rdPoll(consumer *kafka.Consumer, values *[]string) {
	switch event := consumer.Poll(50).(type) {
	case *kafka.Message:
		check(event.TopicPartition.Error)
		*values = append(*values, string(event.Value))
	case kafka.Error:
		if code := event.Code(); code != kafka.ErrTransport && code != kafka.ErrTimedOut && code != kafka.ErrAllBrokersDown { // it connects again
			panic(event)
		}
	}
}

func rdOwned(consumer *kafka.Consumer) int {
	owned, err := consumer.Assignment()
	check(err)
	return len(owned)
}

func rdSend(producer *kafka.Producer, topic string, partition int32, value string) {
	check(producer.Produce(&kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &topic, Partition: partition}, Value: []byte(value),
		Headers: []kafka.Header{{Key: "n", Value: []byte(value)}}}, nil))
}

// Waits for the delivery of this many records.
func rdDelivered(producer *kafka.Producer, count int) {
	for late := time.After(deadline); count > 0; {
		select {
		case event := <-producer.Events():
			if message, yes := event.(*kafka.Message); yes {
				check(message.TopicPartition.Error)
				count--
			}
		case <-late:
			panic(fmt.Sprintf("%d records were not delivered", count))
		}
	}
}

func rdTopic(broker, topic string, partitions int) {
	admin, err := kafka.NewAdminClient(&kafka.ConfigMap{"bootstrap.servers": broker})
	check(err)
	defer admin.Close()
	results, err := admin.CreateTopics(context.Background(), []kafka.TopicSpecification{{Topic: topic, NumPartitions: partitions,
		ReplicationFactor: 1}})
	check(err)
	same(kafka.ErrNoError, results[0].Error.Code())
}

func librdkafkaWalk(broker string) {
	_, version := kafka.LibraryVersion()
	fmt.Println(version)
	topic := fmt.Sprintf("rdkafka-%d", time.Now().UnixNano())
	rdTopic(broker, topic, 2)
	var wanted []string
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		producer, err := kafka.NewProducer(&kafka.ConfigMap{"bootstrap.servers": broker, "compression.type": codec,
			"enable.idempotence": true})
		check(err)
		for i := 0; i < 100; i++ {
			value := fmt.Sprintf("%s %d", codec, i)
			wanted = append(wanted, value)
			rdSend(producer, topic, int32(i%2), value)
		}
		rdDelivered(producer, 100)
		producer.Close()
	}

	var got []string
	first := rdConsumer(broker, topic)
	check(first.Subscribe(topic, nil))
	until("all records", func() bool { rdPoll(first, &got); return len(got) >= len(wanted) })
	same(sorted(wanted), sorted(got))
	_, err := first.Commit()
	check(err)
	second := rdConsumer(broker, topic)
	check(second.Subscribe(topic, nil))
	until("one partition for each member", func() bool {
		rdPoll(first, &got)
		rdPoll(second, &got)
		return rdOwned(first) == 1 && rdOwned(second) == 1
	})
	check(first.Close())
	until("both partitions for the member that stays", func() bool { rdPoll(second, &got); return rdOwned(second) == 2 })
	same(len(wanted), len(got))
	low, high, err := second.QueryWatermarkOffsets(topic, 1, int(deadline.Milliseconds()))
	check(err)
	same("0 250", fmt.Sprint(low, high))
	times, err := second.OffsetsForTimes([]kafka.TopicPartition{{Topic: &topic, Partition: 0, Offset: 0}}, int(deadline.Milliseconds()))
	check(err)
	same(kafka.Offset(0), times[0].Offset)
	check(second.Close())
}

func librdkafkaTransactions(broker string) {
	topic := fmt.Sprintf("rdkafka-txn-%d", time.Now().UnixNano())
	rdTopic(broker, topic, 1)
	producer, err := kafka.NewProducer(&kafka.ConfigMap{"bootstrap.servers": broker, "transactional.id": topic})
	check(err)
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	check(producer.InitTransactions(ctx))
	for _, fate := range []string{"dropped", "kept"} {
		check(producer.BeginTransaction())
		for i := 0; i < 10; i++ {
			rdSend(producer, topic, 0, fate)
		}
		rdDelivered(producer, 10)
		if fate == "kept" {
			check(producer.CommitTransaction(ctx))
		} else {
			check(producer.AbortTransaction(ctx))
		}
	}
	producer.Close()
	for _, level := range []string{"read_committed", "read_uncommitted"} {
		reader := rdConsumer(broker, topic, kafka.ConfigMap{"isolation.level": level})
		check(reader.Assign([]kafka.TopicPartition{{Topic: &topic, Partition: 0, Offset: kafka.OffsetBeginning}}))
		var values []string
		wanted := fates(level == "read_committed")
		until("records of transactions", func() bool { rdPoll(reader, &values); return len(values) >= len(wanted) })
		same(fmt.Sprint(wanted), fmt.Sprint(values))
		check(reader.Close())
	}
}
