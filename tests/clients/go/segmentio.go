// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	segmentio "github.com/segmentio/kafka-go"
)

// Its reader gives the coordinator 5 s and cannot be told otherwise; a commit that took longer is an error. Deadlines of its
// connections are later by a minute.
type patientConn struct{ net.Conn }

func later(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return at.Add(deadline)
}

func (conn patientConn) SetDeadline(at time.Time) error { return conn.Conn.SetDeadline(later(at)) }
func (conn patientConn) SetReadDeadline(at time.Time) error {
	return conn.Conn.SetReadDeadline(later(at))
}
func (conn patientConn) SetWriteDeadline(at time.Time) error {
	return conn.Conn.SetWriteDeadline(later(at))
}

func segDial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: deadline}).DialContext(ctx, network, address)
	return patientConn{conn}, err
}

var (
	segDialer    = &segmentio.Dialer{Timeout: deadline, DialFunc: segDial}
	segTransport = &segmentio.Transport{DialTimeout: deadline, Dial: segDial}
)

func segTopic(client *segmentio.Client, topic string, partitions int) {
	answer, err := client.CreateTopics(context.Background(), &segmentio.CreateTopicsRequest{
		Topics: []segmentio.TopicConfig{{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1}}})
	check(err)
	check(answer.Errors[topic])
}

// A member of the group that reads until it is told to stop.
type segMember struct {
	reader  *segmentio.Reader
	lock    sync.Mutex
	values  []string
	stopped chan struct{}
}

func segJoin(broker, topic string) *segMember {
	member := &segMember{stopped: make(chan struct{}), reader: segmentio.NewReader(segmentio.ReaderConfig{Brokers: []string{broker},
		GroupID: topic, Topic: topic, MaxWait: 100 * time.Millisecond, StartOffset: segmentio.FirstOffset,
		HeartbeatInterval: 200 * time.Millisecond, JoinGroupBackoff: 100 * time.Millisecond, Dialer: segDialer,
		ReadBatchTimeout: deadline})}
	go func() {
		defer close(member.stopped)
		for {
			message, err := member.reader.FetchMessage(context.Background())
			if err != nil { // closed
				return
			}
			same(string(message.Headers[0].Value), string(message.Value))
			// First the commit: who sees the value may stop this member, or let another one take over.
			check(member.reader.CommitMessages(context.Background(), message))
			member.lock.Lock()
			member.values = append(member.values, string(message.Value))
			member.lock.Unlock()
		}
	}()
	return member
}

func (member *segMember) count() int {
	member.lock.Lock()
	defer member.lock.Unlock()
	return len(member.values)
}

func (member *segMember) stop() {
	check(member.reader.Close())
	<-member.stopped
}

func segWrite(broker, topic, word string, codec segmentio.Compression, count int) (values []string) {
	writer := &segmentio.Writer{Addr: segmentio.TCP(broker), Topic: topic, Compression: codec, RequiredAcks: segmentio.RequireAll,
		Balancer: &segmentio.RoundRobin{}, BatchTimeout: 10 * time.Millisecond, ReadTimeout: deadline, WriteTimeout: deadline,
		Transport: segTransport}
	var messages []segmentio.Message
	for i := 0; i < count; i++ {
		value := fmt.Sprintf("%s %d", word, i)
		values = append(values, value)
		messages = append(messages, segmentio.Message{Value: []byte(value), Headers: []segmentio.Header{{Key: "n", Value: []byte(value)}}})
	}
	check(writer.WriteMessages(context.Background(), messages...))
	check(writer.Close())
	return values
}

func segmentioWalk(broker string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*deadline)
	defer cancel()
	client := &segmentio.Client{Addr: segmentio.TCP(broker), Transport: segTransport}
	topic := fmt.Sprintf("segmentio-%d", time.Now().UnixNano())
	segTopic(client, topic, 2)
	var wanted []string
	for codec, word := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		wanted = append(wanted, segWrite(broker, topic, word, segmentio.Compression(codec), 100)...)
	}
	first := segJoin(broker, topic)
	until("all records", func() bool { return first.count() >= len(wanted) })
	same(sorted(wanted), sorted(first.values))

	stable := func(count int) func() bool {
		return func() bool {
			answer, err := client.DescribeGroups(ctx, &segmentio.DescribeGroupsRequest{GroupIDs: []string{topic}})
			check(err)
			owned := 0
			for _, member := range answer.Groups[0].Members {
				for _, part := range member.MemberAssignments.Topics {
					owned += len(part.Partitions)
				}
			}
			return answer.Groups[0].GroupState == "Stable" && len(answer.Groups[0].Members) == count && owned == 2
		}
	}
	second := segJoin(broker, topic)
	until("two members", stable(2))
	first.stop()
	until("both partitions for the member that stays", stable(1))
	more := segWrite(broker, topic, "more", segmentio.Lz4, 100)
	until("the rest for the member that stays", func() bool { return second.count() >= 100 })
	second.stop()
	same(sorted(more), sorted(second.values))

	fetched, err := client.OffsetFetch(ctx, &segmentio.OffsetFetchRequest{GroupID: topic, Topics: map[string][]int{topic: {0, 1}}})
	check(err)
	same(int64(600), fetched.Topics[topic][0].CommittedOffset+fetched.Topics[topic][1].CommittedOffset)
	listed, err := client.ListOffsets(ctx, &segmentio.ListOffsetsRequest{Topics: map[string][]segmentio.OffsetRequest{
		topic: {segmentio.FirstOffsetOf(0), segmentio.LastOffsetOf(0)}}})
	check(err)
	same(int64(0), listed.Topics[topic][0].FirstOffset)
	same(fetched.Topics[topic][0].CommittedOffset, listed.Topics[topic][0].LastOffset)

	connection, err := segDialer.DialLeader(ctx, "tcp", broker, topic, 1)
	check(err)
	_, err = connection.Seek(listed.Topics[topic][0].LastOffset+1000, segmentio.SeekAbsolute)
	if !errors.Is(err, segmentio.OffsetOutOfRange) {
		panic(fmt.Sprint("an offset behind the end was taken: ", err))
	}
	check(connection.Close())
	deleted, err := client.DeleteTopics(ctx, &segmentio.DeleteTopicsRequest{Topics: []string{topic}})
	check(err)
	check(deleted.Errors[topic])
}

func segmentioTransactions(broker string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*deadline)
	defer cancel()
	client := &segmentio.Client{Addr: segmentio.TCP(broker), Transport: segTransport}
	topic := fmt.Sprintf("segmentio-txn-%d", time.Now().UnixNano())
	segTopic(client, topic, 1)
	producer, err := client.InitProducerID(ctx, &segmentio.InitProducerIDRequest{TransactionalID: topic, TransactionTimeoutMs: 60_000})
	check(err)
	check(producer.Error)
	session := producer.Producer
	for _, commit := range []bool{false, true} {
		until("the transaction before to be over", func() bool {
			added, err := client.AddOffsetsToTxn(ctx, &segmentio.AddOffsetsToTxnRequest{TransactionalID: topic,
				ProducerID: session.ProducerID, ProducerEpoch: session.ProducerEpoch, GroupID: topic})
			check(err)
			if !errors.Is(added.Error, segmentio.ConcurrentTransactions) {
				check(added.Error)
			}
			return added.Error == nil
		})
		told, err := client.TxnOffsetCommit(ctx, &segmentio.TxnOffsetCommitRequest{TransactionalID: topic, GroupID: topic,
			ProducerID: session.ProducerID, ProducerEpoch: session.ProducerEpoch, GenerationID: -1,
			Topics: map[string][]segmentio.TxnOffsetCommit{topic: {{Partition: 0, Offset: 7}}}})
		check(err)
		check(told.Topics[topic][0].Error)
		ended, err := client.EndTxn(ctx, &segmentio.EndTxnRequest{TransactionalID: topic, ProducerID: session.ProducerID,
			ProducerEpoch: session.ProducerEpoch, Committed: commit})
		check(err)
		check(ended.Error)
		wanted := int64(-1)
		if commit {
			wanted = 7
		}
		until(fmt.Sprint("an offset of ", wanted), func() bool {
			fetched, err := client.OffsetFetch(ctx, &segmentio.OffsetFetchRequest{GroupID: topic, Topics: map[string][]int{topic: {0}}})
			check(err)
			return fetched.Topics[topic][0].CommittedOffset == wanted
		})
	}
}
