// SPDX-License-Identifier: Apache-2.0
//
// The word count of Kafka Streams' own quick start, stopped, its state thrown away, and started again.
// usage: WordCount HOST:PORT GUARANTEE STATE_DIR; a guarantee is at_least_once or exactly_once_v2

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

public class WordCount extends Walk {
    static KafkaStreams start(String name, String from, String to, String guarantee, Path state) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.<String, String>stream(from)
                .flatMapValues(line -> Arrays.asList(line.split(" ")))
                .groupBy((key, word) -> word)
                .count(Materialized.as("counts"))
                .toStream()
                .to(to, Produced.with(Serdes.String(), Serdes.Long()));
        Properties settings = settings("application.id", name, "processing.guarantee", guarantee, "state.dir", state.toString(),
                "default.key.serde", Serdes.StringSerde.class.getName(), "default.value.serde", Serdes.StringSerde.class.getName(),
                "commit.interval.ms", "100", "num.stream.threads", "2", "auto.offset.reset", "earliest",
                "statestore.cache.max.bytes", "0", "session.timeout.ms", "45000", "heartbeat.interval.ms", "500");
        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        streams.setUncaughtExceptionHandler(failure -> {
            failure.printStackTrace();
            return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.start();
        // A rebalance in the middle of work may count twice what at_least_once has not committed.
        until(() -> streams.metadataForLocalThreads().stream().allMatch(thread -> thread.activeTasks().size() == 2)
                        && streams.state() == KafkaStreams.State.RUNNING, "two of the four tasks for each thread");
        return streams;
    }

    static void write(String topic, int lines) throws Exception {
        try (KafkaProducer<String, String> producer = producer()) {
            for (int i = 0; i < lines; i++)
                producer.send(new ProducerRecord<>(topic, i % 2, null, "the quick fox w" + i % 5));
        }
    }

    static String config(Admin admin, String topic, String key) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        return admin.describeConfigs(Collections.singleton(resource)).all().get().get(resource).get(key).value();
    }

    public static void main(String[] words) throws Exception {
        at = words[0];
        String guarantee = words[1];
        Path state = Path.of(words[2]);
        String name = name(), from = topic(2), to = topic(2);
        Properties reading = settings("auto.offset.reset", "earliest", "isolation.level", "read_committed");
        KafkaConsumer<String, Long> results = new KafkaConsumer<>(reading, new StringDeserializer(), new LongDeserializer());
        results.assign(Arrays.asList(new TopicPartition(to, 0), new TopicPartition(to, 1)));
        Map<String, Long> counts = new HashMap<>();
        long[] seen = {0};
        for (int round = 1; round <= 2; round++) {
            KafkaStreams streams = start(name, from, to, guarantee, state.resolve("" + round));
            write(from, 100);
            Map<String, Long> wanted = new TreeMap<>();
            for (String word : new String[] {"the", "quick", "fox"}) wanted.put(word, 100L * round);
            for (int i = 0; i < 5; i++) wanted.put("w" + i, 20L * round);
            try {
                until(() -> {
                    for (ConsumerRecord<String, Long> record : results.poll(Duration.ofMillis(100))) {
                        counts.put(record.key(), record.value());
                        seen[0]++;
                    }
                    check(streams.state() != KafkaStreams.State.ERROR, "streams failed");
                    return wanted.equals(counts);
                }, "counts " + wanted);
            } catch (AssertionError waited) {
                throw new AssertionError(waited.getMessage() + " but there are " + new TreeMap<>(counts) + ", " + streams.state());
            } finally {
                check(streams.close(CloseOptions.timeout(Duration.ofMillis(DEADLINE_MS))
                                            .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP)), "runs on");
            }
        }
        same(800L, seen[0]); // every word of every line was counted once
        try (Admin admin = admin()) {
            String changelog = name + "-counts-changelog";
            String repartition = name + "-counts-repartition";
            same("compact", config(admin, changelog, "cleanup.policy"));
            same("delete -1", config(admin, repartition, "cleanup.policy") + " " + config(admin, repartition, "retention.ms"));
            check(admin.listConsumerGroups().all().get().stream().anyMatch(one -> one.groupId().equals(name)), "no group");
        }
        results.close();
    }
}
