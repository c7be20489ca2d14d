// SPDX-License-Identifier: Apache-2.0
//
// What a program on the Java producer and consumer does, a method per behaviour. Uses only what every release since 2.1
// has. usage: Walk HOST:PORT METHOD

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class Walk {
    static final long DEADLINE_MS = 60_000;
    static String at;
    static final String[] KEEP = {"retention.ms", "-1"}; // of a topic whose records are told to be old
    static volatile Throwable failure; // of a thread the method started

    // --- what the methods share ---

    static void check(boolean holds, Object said) {
        if (!holds) throw new AssertionError(said);
    }

    static void same(Object wanted, Object got) {
        check(wanted.equals(got), "wanted " + wanted + ", got " + got);
    }

    static void until(BooleanSupplier condition, String what) {
        long end = System.nanoTime() + DEADLINE_MS * 1_000_000;
        while (!condition.getAsBoolean()) {
            if (failure != null) throw new AssertionError("a member failed", failure);
            check(System.nanoTime() < end, "waited for " + what);
        }
    }

    static Throwable failureOf(Future<?> future) throws Exception {
        try {
            future.get(DEADLINE_MS, TimeUnit.MILLISECONDS);
        } catch (ExecutionException wrapped) {
            return wrapped.getCause();
        }
        throw new AssertionError("no failure");
    }

    static String name() {
        return "java-" + UUID.randomUUID();
    }

    static Properties settings(String... pairs) {
        Properties all = new Properties();
        all.put("bootstrap.servers", at);
        for (int i = 0; i < pairs.length; i += 2) all.put(pairs[i], pairs[i + 1]);
        return all;
    }

    static KafkaProducer<String, String> producer(String... pairs) {
        Properties all = settings(pairs);
        all.putIfAbsent("acks", "all"); // before 3.0 the default is 1, and weir shows such records only when they are on disk
        return new KafkaProducer<>(all, new StringSerializer(), new StringSerializer());
    }

    static KafkaConsumer<String, String> consumer(String... pairs) {
        Properties all = settings("auto.offset.reset", "earliest", "enable.auto.commit", "false");
        all.putAll(settings(pairs));
        // Before 3.0 the default is 10 s. A group of the new protocol has its broker's.
        if (!"consumer".equals(all.get("group.protocol"))) all.putIfAbsent("session.timeout.ms", "45000");
        return new KafkaConsumer<>(all, new StringDeserializer(), new StringDeserializer());
    }

    static AdminClient admin() {
        return AdminClient.create(settings());
    }

    static String topic(int partitions, String... config) throws Exception {
        Map<String, String> configs = new HashMap<>();
        for (int i = 0; i < config.length; i += 2) configs.put(config[i], config[i + 1]);
        String topic = name();
        try (AdminClient admin = admin()) {
            admin.createTopics(Collections.singleton(new NewTopic(topic, partitions, (short) 1).configs(configs))).all().get();
        }
        return topic;
    }

    static void send(String topic, int partition, String... values) throws Exception {
        try (KafkaProducer<String, String> producer = producer("acks", "all")) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (String value : values) sent.add(producer.send(new ProducerRecord<>(topic, partition, null, value)));
            for (Future<RecordMetadata> one : sent) one.get();
        }
    }

    static List<String> read(KafkaConsumer<String, String> consumer, int count) {
        List<String> values = new ArrayList<>();
        until(() -> {
            for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) values.add(record.value());
            return values.size() >= count;
        }, count + " records");
        return values;
    }

    /** A consumer in a group on its own thread. */
    static final class Member extends Thread {
        private final KafkaConsumer<String, String> consumer;
        private volatile boolean stopping;
        volatile Set<Integer> owns = Collections.emptySet();
        final List<String> values = new CopyOnWriteArrayList<>();

        Member(String group, String topic, String... pairs) {
            Properties all = settings("group.id", group, "auto.offset.reset", "earliest", "enable.auto.commit", "false",
                                      "heartbeat.interval.ms", "200", "session.timeout.ms", "45000");
            all.putAll(settings(pairs));
            consumer = new KafkaConsumer<>(all, new StringDeserializer(), new StringDeserializer());
            consumer.subscribe(Collections.singleton(topic));
            start();
        }

        @Override
        public void run() {
            try {
                while (!stopping) {
                    for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(50)))
                        values.add(record.value());
                    consumer.commitAsync();
                    Set<Integer> now = new TreeSet<>();
                    for (TopicPartition one : consumer.assignment()) now.add(one.partition());
                    owns = now;
                }
            } catch (Throwable caught) {
                failure = caught;
            } finally {
                consumer.close();
            }
        }

        void leave() throws InterruptedException {
            stopping = true;
            join(DEADLINE_MS);
            if (failure != null) throw new AssertionError("a member failed", failure);
        }
    }

    static void share(String group, String topic, int partitions, String... pairs) throws Exception {
        Set<Integer> all = new TreeSet<>();
        for (int i = 0; i < partitions; i++) all.add(i);
        Member first = new Member(group, topic, pairs);
        until(() -> all.equals(first.owns), "all partitions for the only member");
        Member second = new Member(group, topic, pairs);
        until(() -> {
            Set<Integer> both = new TreeSet<>(first.owns);
            both.addAll(second.owns);
            return both.equals(all) && first.owns.size() == partitions / 2 && second.owns.size() == partitions / 2;
        }, "half of the partitions for each member");
        first.leave();
        until(() -> all.equals(second.owns), "all partitions for the member that stays");
        second.leave();
    }

    // --- the behaviours ---

    static void every_codec_reads_back() throws Exception {
        for (String codec : new String[] {"none", "gzip", "snappy", "lz4", "zstd"}) {
            String topic = topic(1, KEEP);
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            try (KafkaProducer<String, String> producer = producer("compression.type", codec, "enable.idempotence", "true",
                                                                   "linger.ms", "5")) {
                for (int i = 0; i < 2000; i++) {
                    ProducerRecord<String, String> record = new ProducerRecord<>(topic, 0, 1000L + i, "k" + i, "value " + i);
                    record.headers().add("h", new byte[] {(byte) i});
                    sent.add(producer.send(record));
                }
            }
            for (int i = 0; i < 2000; i++) same((long) i, sent.get(i).get().offset());
            try (KafkaConsumer<String, String> consumer = consumer()) {
                consumer.assign(Collections.singleton(new TopicPartition(topic, 0)));
                int[] next = {0};
                until(() -> {
                    for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) {
                        int i = next[0]++;
                        same(i + " " + (1000L + i) + " k" + i + " value " + i, record.offset() + " " + record.timestamp()
                                + " " + record.key() + " " + record.value());
                        same((byte) i, record.headers().lastHeader("h").value()[0]);
                    }
                    return next[0] == 2000;
                }, "2000 records in " + codec);
            }
        }
    }

    static void every_acks_is_answered() throws Exception {
        for (String acks : new String[] {"0", "1", "all"}) {
            String topic = topic(1);
            try (KafkaProducer<String, String> producer = producer("acks", acks, "enable.idempotence", "false")) {
                for (int i = 0; i < 100; i++) producer.send(new ProducerRecord<>(topic, "v" + i));
            }
            try (KafkaConsumer<String, String> consumer = consumer()) {
                consumer.assign(Collections.singleton(new TopicPartition(topic, 0)));
                List<String> values = read(consumer, 100);
                same("v0 v99 100", values.get(0) + " " + values.get(99) + " " + values.size());
            }
        }
    }

    static void two_members_share_by_range() throws Exception {
        String topic = topic(4);
        share(name(), topic, 4);
    }

    static void two_members_share_by_sticky_assignment() throws Exception {
        String topic = topic(4);
        share(name(), topic, 4, "partition.assignment.strategy", "org.apache.kafka.clients.consumer.StickyAssignor");
    }

    static void offsets_are_found_and_partitions_paused() throws Exception {
        String topic = topic(2, KEEP);
        TopicPartition zero = new TopicPartition(topic, 0), one = new TopicPartition(topic, 1);
        try (KafkaProducer<String, String> producer = producer()) {
            for (int i = 0; i < 100; i++) producer.send(new ProducerRecord<>(topic, i % 2, 1000L * (i / 2), null, "v" + i));
        }
        try (KafkaConsumer<String, String> consumer = consumer("group.id", name(), "max.poll.records", "10")) {
            same(2, consumer.partitionsFor(topic).size());
            consumer.assign(Arrays.asList(zero, one));
            same(0L, consumer.beginningOffsets(Arrays.asList(zero, one)).get(one));
            same(50L, consumer.endOffsets(Arrays.asList(zero, one)).get(zero));
            Map<TopicPartition, Long> times = new HashMap<>();
            times.put(zero, 20_001L);
            times.put(one, 1_000_000L);
            Map<TopicPartition, OffsetAndTimestamp> found = consumer.offsetsForTimes(times);
            same("21 21000", found.get(zero).offset() + " " + found.get(zero).timestamp());
            check(found.get(one) == null, found);
            consumer.pause(Collections.singleton(one));
            consumer.seek(zero, 48);
            same(Arrays.asList("v96", "v98"), read(consumer, 2));
            consumer.resume(Collections.singleton(one));
            consumer.seek(one, 49);
            same(Arrays.asList("v99"), read(consumer, 1));
            consumer.seekToBeginning(Collections.singleton(zero));
            same(0L, consumer.position(zero));
            consumer.seekToEnd(Collections.singleton(zero));
            same(50L, consumer.position(zero));
            consumer.commitSync(Collections.singletonMap(one, new OffsetAndMetadata(7, "why")));
        }
    }

    static void an_offset_outside_the_log_is_told() throws Exception {
        String topic = topic(1);
        send(topic, 0, "a", "b");
        try (KafkaConsumer<String, String> consumer = consumer("auto.offset.reset", "none")) {
            TopicPartition place = new TopicPartition(topic, 0);
            consumer.assign(Collections.singleton(place));
            consumer.seek(place, 100);
            try {
                until(() -> !consumer.poll(Duration.ofMillis(100)).isEmpty(), "a failure");
                throw new AssertionError("records from outside of the log");
            } catch (OffsetOutOfRangeException told) {
                same(100L, told.offsetOutOfRangePartitions().get(place));
            }
        }
    }

    static void bad_records_fail_with_their_reason() throws Exception {
        String topic = topic(1);
        try (KafkaProducer<String, String> producer = producer("max.request.size", "10000000")) {
            Throwable failed = failureOf(producer.send(new ProducerRecord<>(topic, String.join("", Collections.nCopies(300_000, "abcdef")))));
            check(failed instanceof RecordTooLargeException, failed);
            failed = failureOf(producer.send(new ProducerRecord<>("no spaces", "x")));
            check(failed instanceof InvalidTopicException, failed);
            same(0L, producer.send(new ProducerRecord<>(topic, "fits")).get().offset());
        }
    }

    static void a_pattern_follows_new_topics() throws Exception {
        String prefix = name();
        send(prefix + "-a", 0, "one");
        try (KafkaConsumer<String, String> consumer = consumer("group.id", prefix, "metadata.max.age.ms", "300")) {
            consumer.subscribe(Pattern.compile(prefix + ".*"), new ConsumerRebalanceListener() {
                @Override
                public void onPartitionsRevoked(Collection<TopicPartition> gone) {}

                @Override
                public void onPartitionsAssigned(Collection<TopicPartition> come) {}
            });
            same(Arrays.asList("one"), read(consumer, 1));
            consumer.commitSync();
            send(prefix + "-b", 0, "two");
            same(Arrays.asList("two"), read(consumer, 1));
        }
    }

    static void commits_are_where_the_next_member_starts() throws Exception {
        String topic = topic(1), group = name();
        send(topic, 0, "a", "b", "c");
        try (KafkaConsumer<String, String> consumer = consumer("group.id", group, "max.poll.records", "1")) {
            consumer.subscribe(Collections.singleton(topic));
            same(Arrays.asList("a"), read(consumer, 1));
            consumer.commitSync();
        }
        try (KafkaConsumer<String, String> consumer = consumer("group.id", group, "enable.auto.commit", "true")) {
            consumer.subscribe(Collections.singleton(topic));
            same(Arrays.asList("b", "c"), read(consumer, 2));
        }
        try (KafkaConsumer<String, String> consumer = consumer("group.id", group)) {
            consumer.subscribe(Collections.singleton(topic));
            until(() -> {
                consumer.poll(Duration.ofMillis(50));
                return !consumer.assignment().isEmpty();
            }, "the partition");
            same(3L, consumer.position(new TopicPartition(topic, 0)));
        }
    }

    static void run(Class<?> walk, String[] words) throws Exception {
        at = words[0];
        failure = null;
        walk.getDeclaredMethod(words[1]).invoke(null);
    }

    public static void main(String[] words) throws Exception {
        run(Walk.class, words);
    }
}
