// SPDX-License-Identifier: Apache-2.0
//
// What a transactional program on the Java clients does, a method per behaviour; for releases from 2.8 on.
// usage: TxnWalk HOST:PORT METHOD

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;

public class TxnWalk extends Walk {
    static KafkaProducer<String, String> transactional(String id, String... pairs) {
        List<String> all = new ArrayList<>(Arrays.asList(pairs));
        all.addAll(Arrays.asList("transactional.id", id));
        KafkaProducer<String, String> producer = producer(all.toArray(new String[0]));
        producer.initTransactions();
        return producer;
    }

    /** Flushes first, for the reason told in TransactionWalk. */
    static void commit(KafkaProducer<String, String> producer) {
        producer.flush();
        producer.commitTransaction();
    }

    static void put(KafkaProducer<String, String> producer, String topic, String... values) {
        for (String value : values) producer.send(new ProducerRecord<>(topic, 0, null, value));
    }

    static List<String> readAll(String topic, String isolation, int count) {
        try (KafkaConsumer<String, String> consumer = consumer("isolation.level", isolation)) {
            consumer.assign(Collections.singleton(new TopicPartition(topic, 0)));
            return read(consumer, count);
        }
    }

    static long end(String topic, String isolation) {
        try (KafkaConsumer<String, String> consumer = consumer("isolation.level", isolation)) {
            TopicPartition place = new TopicPartition(topic, 0);
            return consumer.endOffsets(Collections.singleton(place)).get(place);
        }
    }

    static void committed_records_are_read_and_aborted_ones_are_not() throws Exception {
        String topic = topic(1);
        try (KafkaProducer<String, String> producer = transactional(name())) {
            producer.beginTransaction();
            put(producer, topic, "a", "b");
            commit(producer);
            producer.beginTransaction();
            put(producer, topic, "x", "y");
            producer.flush();
            producer.abortTransaction();
            producer.beginTransaction();
            put(producer, topic, "c");
            commit(producer);
        }
        same(Arrays.asList("a", "b", "c"), readAll(topic, "read_committed", 3));
        same(Arrays.asList("a", "b", "x", "y", "c"), readAll(topic, "read_uncommitted", 5));
        same(8L, end(topic, "read_committed"));
    }

    static void an_open_transaction_holds_back_read_committed() throws Exception {
        String topic = topic(1);
        try (KafkaProducer<String, String> producer = transactional(name());
                KafkaConsumer<String, String> consumer = consumer("isolation.level", "read_committed")) {
            send(topic, 0, "before");
            producer.beginTransaction();
            put(producer, topic, "open");
            producer.flush();
            send(topic, 0, "after");
            same("1 3", end(topic, "read_committed") + " " + end(topic, "read_uncommitted"));
            consumer.assign(Collections.singleton(new TopicPartition(topic, 0)));
            same(Arrays.asList("before"), read(consumer, 1));
            check(consumer.poll(Duration.ofMillis(300)).isEmpty(), "read past the last stable offset");
            commit(producer);
            same(Arrays.asList("open", "after"), read(consumer, 2));
        }
    }

    static void a_transaction_spans_partitions_and_topics() throws Exception {
        String one = topic(3), two = topic(3);
        try (KafkaProducer<String, String> producer = transactional(name(), "compression.type", "lz4")) {
            for (int round = 0; round < 20; round++) {
                producer.beginTransaction();
                for (int i = 0; i < 30; i++)
                    producer.send(new ProducerRecord<>(i % 2 == 0 ? one : two, i % 3, null, round + " " + i));
                // The client takes the end for that of an empty transaction, and send its records in the next one, when all
                // sends and the abort fall between Sender's accumulator.hasIncomplete() and nextRequest().
                producer.flush();
                if (round % 4 == 3) producer.abortTransaction();
                else commit(producer);
            }
        }
        try (KafkaConsumer<String, String> consumer = consumer("isolation.level", "read_committed")) {
            List<TopicPartition> places = new ArrayList<>();
            for (int i = 0; i < 3; i++) places.addAll(Arrays.asList(new TopicPartition(one, i), new TopicPartition(two, i)));
            consumer.assign(places);
            List<String> values = read(consumer, 450);
            same(450, values.size());
            check(values.stream().noneMatch(value -> Integer.parseInt(value.split(" ")[0]) % 4 == 3), "aborted values");
        }
    }

    static void a_second_producer_fences_the_first_and_aborts_its_transaction() throws Exception {
        String topic = topic(1), id = name();
        KafkaProducer<String, String> first = transactional(id);
        first.beginTransaction();
        put(first, topic, "of the first");
        first.flush();
        try (KafkaProducer<String, String> second = transactional(id)) {
            second.beginTransaction();
            put(second, topic, "of the second");
            commit(second);
        }
        try {
            put(first, topic, "too late");
            first.commitTransaction();
            throw new AssertionError("the first was not fenced");
        } catch (ProducerFencedException | InvalidProducerEpochException fenced) {
        } catch (KafkaException wrapped) {
            check(wrapped.getCause() instanceof ProducerFencedException
                          || wrapped.getCause() instanceof InvalidProducerEpochException, wrapped);
        } finally {
            first.close(Duration.ZERO);
        }
        same(Arrays.asList("of the second"), readAll(topic, "read_committed", 1));
    }

    static void a_transaction_that_takes_too_long_is_aborted() throws Exception {
        String topic = topic(1);
        KafkaProducer<String, String> slow = transactional(name(), "transaction.timeout.ms", "1000");
        slow.beginTransaction();
        put(slow, topic, "slow");
        slow.flush();
        send(topic, 0, "after");
        same(Arrays.asList("after"), readAll(topic, "read_committed", 1));
        slow.close(Duration.ZERO);
    }

    static void offsets_move_with_the_records_they_gave() throws Exception {
        String from = topic(1), to = topic(1), group = name();
        TopicPartition place = new TopicPartition(from, 0);
        send(from, 0, "1", "2", "3", "4", "5", "6");
        try (KafkaConsumer<String, String> consumer = consumer("group.id", group, "max.poll.records", "2", "isolation.level",
                                                               "read_committed");
                KafkaProducer<String, String> producer = transactional(name());
                Admin admin = admin()) {
            consumer.subscribe(Collections.singleton(from));
            int[] done = {0};
            boolean[] aborted = {false};
            until(() -> {
                ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(100));
                if (records.isEmpty()) return done[0] == 6;
                producer.beginTransaction();
                Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
                for (ConsumerRecord<String, String> record : records) {
                    put(producer, to, record.value() + record.value());
                    offsets.put(place, new OffsetAndMetadata(record.offset() + 1));
                }
                producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
                if (done[0] == 2 && !aborted[0]) {
                    producer.abortTransaction();
                    aborted[0] = true;
                    consumer.seek(place, 2);
                } else {
                    commit(producer);
                    done[0] += records.count();
                }
                return done[0] == 6;
            }, "six records carried over");
            until(() -> { // the marker may come after the answer
                try {
                    OffsetAndMetadata kept = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(place);
                    return kept != null && kept.offset() == 6;
                } catch (Exception failed) {
                    throw new AssertionError(failed);
                }
            }, "the offset of the transaction");
        }
        same(Arrays.asList("11", "22", "33", "44", "55", "66"), readAll(to, "read_committed", 6));
    }

    public static void main(String[] words) throws Exception {
        run(TxnWalk.class, words);
    }
}
