// SPDX-License-Identifier: Apache-2.0
//
// What a program on the Java transactional producer does, a method per behaviour. Uses only what every release since 2.8
// has. usage: TransactionWalk HOST:PORT METHOD [WORD...]

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class TransactionWalk {
    static final long DEADLINE_MS = 60_000;
    static String at;

    // --- what the methods share ---

    static void check(boolean holds, Object said) {
        if (!holds) throw new AssertionError(said);
    }

    static void same(Object wanted, Object got) {
        check(wanted.equals(got), "wanted " + wanted + ", got " + got);
    }

    static void until(BooleanSupplier condition, String what) {
        long end = System.nanoTime() + DEADLINE_MS * 1_000_000;
        while (!condition.getAsBoolean()) check(System.nanoTime() < end, "waited for " + what);
    }

    static String name() {
        return "txn-" + UUID.randomUUID();
    }

    static Properties settings(String... pairs) {
        Properties all = new Properties();
        all.put("bootstrap.servers", at);
        for (int i = 0; i < pairs.length; i += 2) all.put(pairs[i], pairs[i + 1]);
        return all;
    }

    static KafkaProducer<String, String> producer(String id, String... pairs) {
        Properties all = settings(pairs);
        all.put("transactional.id", id);
        KafkaProducer<String, String> one =
            new KafkaProducer<>(all, new StringSerializer(), new StringSerializer());
        one.initTransactions();
        return one;
    }

    /** Flushes first: 4.3 asks "is anything unsent?" outside the lock under which it takes up EndTxn: a record that comes in
        between is left behind, and the commit is refused (nothing was written) or waits for it for ever. The same on Apache
        Kafka when that moment is made longer. */
    static void commit(KafkaProducer<String, String> producer) {
        producer.flush();
        producer.commitTransaction();
    }

    static KafkaConsumer<String, String> consumer(String group, String isolation) {
        return new KafkaConsumer<>(
            settings("group.id", group, "auto.offset.reset", "earliest", "isolation.level", isolation,
                     "enable.auto.commit", "false", "session.timeout.ms", "45000"), // before 3.0 the default is 10 s
            new StringDeserializer(), new StringDeserializer());
    }

    static String topic(int partitions) throws Exception {
        String topic = name();
        try (AdminClient admin = AdminClient.create(settings())) {
            admin.createTopics(Collections.singleton(new NewTopic(topic, partitions, (short) 1))).all().get();
        }
        return topic;
    }

    static void send(KafkaProducer<String, String> to, String topic, int partition, String... values) {
        for (String value : values) to.send(new ProducerRecord<>(topic, partition, null, value));
    }

    /** Everything committed or not, from the start, until `count` records came, then nothing for a moment. */
    static List<String> read(String topic, int partition, String isolation, int count) {
        List<String> got = new ArrayList<>();
        try (KafkaConsumer<String, String> from = consumer(name(), isolation)) {
            TopicPartition place = new TopicPartition(topic, partition);
            from.assign(Collections.singleton(place));
            from.seekToBeginning(Collections.singleton(place));
            until(() -> {
                for (ConsumerRecord<String, String> one : from.poll(Duration.ofMillis(100))) got.add(one.value());
                return got.size() >= count;
            }, count + " records of " + topic + ", got " + got);
            for (ConsumerRecord<String, String> one : from.poll(Duration.ofMillis(300))) got.add(one.value());
        }
        return got;
    }

    // --- behaviours ---

    static void what_is_aborted_is_never_seen_and_what_commits_is() throws Exception {
        String topic = topic(2);
        try (KafkaProducer<String, String> one = producer(name())) {
            one.beginTransaction();
            send(one, topic, 0, "a", "b");
            send(one, topic, 1, "c");
            commit(one);
            one.beginTransaction();
            send(one, topic, 0, "x", "y");
            one.flush();
            one.abortTransaction();
            one.beginTransaction();
            send(one, topic, 0, "d");
            commit(one);
        }
        same(Arrays.asList("a", "b", "d"), read(topic, 0, "read_committed", 3));
        same(Arrays.asList("a", "b", "x", "y", "d"), read(topic, 0, "read_uncommitted", 5));
        same(Arrays.asList("c"), read(topic, 1, "read_committed", 1));
    }

    static void two_producers_interleave() throws Exception {
        String topic = topic(1);
        try (KafkaProducer<String, String> one = producer(name()); KafkaProducer<String, String> two = producer(name())) {
            one.beginTransaction();
            two.beginTransaction();
            for (int i = 0; i < 10; i++) {
                send(one, topic, 0, "bad" + i);
                one.flush();
                send(two, topic, 0, "good" + i);
                two.flush();
            }
            commit(two);
            same(20, read(topic, 0, "read_uncommitted", 20).size()); // the first still holds readers of committed ones
            one.abortTransaction();
        }
        List<String> wanted = new ArrayList<>();
        for (int i = 0; i < 10; i++) wanted.add("good" + i);
        same(wanted, read(topic, 0, "read_committed", 10));
    }

    static void a_second_producer_fences_the_first() throws Exception {
        String topic = topic(1), id = name();
        KafkaProducer<String, String> old = producer(id);
        old.beginTransaction();
        send(old, topic, 0, "old");
        old.flush();
        try (KafkaProducer<String, String> young = producer(id)) {
            young.beginTransaction();
            send(young, topic, 0, "young");
            commit(young);
        }
        try {
            send(old, topic, 0, "older");
            old.commitTransaction();
            throw new AssertionError("the fenced producer has committed");
        } catch (ProducerFencedException | InvalidProducerEpochException wanted) {
            // as it should be
        } catch (KafkaException wanted) {
            Throwable cause = wanted.getCause();
            check(cause instanceof ProducerFencedException || cause instanceof InvalidProducerEpochException, wanted);
        }
        old.close(Duration.ofSeconds(1));
        same(Arrays.asList("young"), read(topic, 0, "read_committed", 1));
    }

    static void offsets_move_with_the_transaction_alone() throws Exception {
        String from = topic(1), to = topic(1), group = name();
        try (KafkaProducer<String, String> filler = producer(name())) {
            filler.beginTransaction();
            send(filler, from, 0, "1", "2", "3");
            commit(filler);
        }
        TopicPartition place = new TopicPartition(from, 0);
        try (KafkaProducer<String, String> out = producer(name());
             KafkaConsumer<String, String> in = consumer(group, "read_committed")) {
            in.subscribe(Collections.singleton(from));
            List<String> got = new ArrayList<>();
            until(() -> {
                for (ConsumerRecord<String, String> one : in.poll(Duration.ofMillis(100))) got.add(one.value());
                return got.size() == 3;
            }, "three records");
            Map<TopicPartition, OffsetAndMetadata> read = new HashMap<>();
            read.put(place, new OffsetAndMetadata(in.position(place), "done"));
            out.beginTransaction();
            send(out, to, 0, "A");
            out.sendOffsetsToTransaction(read, in.groupMetadata());
            out.abortTransaction();
            check(in.committed(Collections.singleton(place)).get(place) == null, "an aborted offset is there");
            out.beginTransaction();
            send(out, to, 0, "B");
            out.sendOffsetsToTransaction(read, in.groupMetadata());
            commit(out);
            OffsetAndMetadata committed = in.committed(Collections.singleton(place)).get(place);
            same(in.position(place), committed.offset());
            same("done", committed.metadata());
        }
        same(Arrays.asList("B"), read(to, 0, "read_committed", 1));
    }

    static void a_transaction_whose_time_is_over_is_aborted() throws Exception {
        String topic = topic(1);
        KafkaProducer<String, String> slow = producer(name(), "transaction.timeout.ms", "1000");
        slow.beginTransaction();
        send(slow, topic, 0, "late");
        slow.flush();
        try (KafkaProducer<String, String> other = producer(name())) {
            other.beginTransaction();
            send(other, topic, 0, "in time");
            commit(other);
        }
        same(Arrays.asList("in time"), read(topic, 0, "read_committed", 1));
        try {
            slow.commitTransaction();
            throw new AssertionError("a transaction that was aborted has committed");
        } catch (KafkaException wanted) {
            slow.close(Duration.ofSeconds(1));
        }
    }

    static void many_transactions_of_one_producer() throws Exception {
        String topic = topic(3);
        try (KafkaProducer<String, String> one = producer(name())) {
            for (int i = 0; i < 100; i++) {
                one.beginTransaction();
                send(one, topic, i % 3, "v" + i);
                one.flush();
                if (i % 4 == 3) one.abortTransaction();
                else one.commitTransaction();
            }
        }
        int seen = 0;
        for (int partition = 0; partition < 3; partition++) seen += read(topic, partition, "read_committed", 25).size();
        same(75, seen);
    }

    public static void main(String[] words) throws Exception {
        at = words[0];
        TransactionWalk.class.getDeclaredMethod(words[1]).invoke(null);
    }
}
