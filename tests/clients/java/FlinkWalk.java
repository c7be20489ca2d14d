// SPDX-License-Identifier: Apache-2.0
//
// Flink's Kafka source and exactly-once sink: numbers go from one topic to another through a job that is first stopped with a
// savepoint and goes on from it, then is cancelled between two checkpoints and goes on from the last one it kept.
// usage: FlinkWalk HOST:PORT STRATEGY FOLDER; a strategy is INCREMENTING (transactional ids are never used again) or POOLING
// (they are, and the broker is asked which transactions are open)

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.RpcOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

public class FlinkWalk extends Walk {
    static String name, from, to;
    static TransactionNamingStrategy strategy;
    static Path folder;

    static JobClient start(String restored) throws Exception {
        Configuration settings = new Configuration();
        settings.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, folder.resolve("checkpoints").toUri().toString());
        settings.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(300));
        settings.set(CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION, ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
        settings.set(RpcOptions.ASK_TIMEOUT_DURATION, Duration.ofMillis(DEADLINE_MS)); // of its own 10 s
        if (restored != null) settings.set(StateRecoveryOptions.SAVEPOINT_PATH, restored);
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(2, settings);
        KafkaSource<String> source = KafkaSource.<String>builder().setBootstrapServers(at).setTopics(from).setGroupId(name)
                .setStartingOffsets(OffsetsInitializer.earliest()).setValueOnlyDeserializer(new SimpleStringSchema()).build();
        KafkaSink<String> sink = KafkaSink.<String>builder().setBootstrapServers(at)
                .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE).setTransactionalIdPrefix(name)
                .setTransactionNamingStrategy(strategy).setProperty("transaction.timeout.ms", "60000")
                .setRecordSerializer(KafkaRecordSerializationSchema.<String>builder().setTopic(to)
                        .setValueSerializationSchema(new SimpleStringSchema()).build())
                .build();
        environment.fromSource(source, WatermarkStrategy.noWatermarks(), "numbers").uid("numbers").map(value -> value + "!")
                .uid("mark").sinkTo(sink).uid("marked");
        return environment.executeAsync(name);
    }

    static void write(int start, int end) throws Exception {
        for (int partition = 0; partition < 2; partition++) {
            int rest = partition;
            send(from, partition, IntStream.range(start, end).filter(n -> n % 2 == rest).mapToObj(n -> "" + n).toArray(String[]::new));
        }
    }

    static KafkaConsumer<String, String> reader(String isolation) {
        KafkaConsumer<String, String> reader = consumer("isolation.level", isolation);
        List<TopicPartition> places = List.of(new TopicPartition(to, 0), new TopicPartition(to, 1));
        reader.assign(places);
        reader.seekToBeginning(places);
        return reader;
    }

    static long committed() {
        try (KafkaConsumer<String, String> group = consumer("group.id", name)) {
            return Stream.of(0, 1).map(n -> new TopicPartition(from, n)).map(place -> group.committed(java.util.Set.of(place)).get(place))
                    .mapToLong(kept -> kept == null ? 0 : kept.offset()).sum();
        }
    }

    /** The newest checkpoint that is whole, as a copy: those given up may still be on their way out. State as small as ours is
        all within its metadata. Jobs go on counting where those before them stopped. */
    static String checkpoint() throws Exception {
        String[] found = {null};
        until(() -> {
            try {
                found[0] = newest();
            } catch (UncheckedIOException | IOException moved) { // one was deleted under our eyes
                return false;
            }
            return true;
        }, "checkpoints that stay");
        return found[0];
    }

    static String newest() throws IOException {
        try (Stream<Path> files = Files.walk(folder.resolve("checkpoints"))) {
            Path found = files.filter(file -> file.endsWith("_metadata")).max(Comparator.comparingInt(FlinkWalk::number)).get();
            Path kept = Files.createDirectories(folder.resolve("kept"));
            Files.copy(found, kept.resolve("_metadata"), StandardCopyOption.REPLACE_EXISTING);
            return kept.toUri().toString();
        }
    }

    static int number(Path metadata) {
        return Integer.parseInt(metadata.getParent().getFileName().toString().substring("chk-".length()));
    }

    static void end(JobClient job) {
        until(() -> {
            try {
                return job.getJobStatus().get().isGloballyTerminalState();
            } catch (Exception gone) { // with its cluster
                return true;
            }
        }, "the job's end");
    }

    public static void main(String[] words) throws Exception {
        at = words[0];
        strategy = TransactionNamingStrategy.valueOf(words[1]);
        folder = Path.of(words[2]);
        name = name();
        from = topic(2);
        to = topic(2);
        KafkaConsumer<String, String> results = reader("read_committed");

        JobClient job = start(null);
        write(0, 1000);
        List<String> got = read(results, 1000);
        until(() -> committed() == 1000, "the group's offsets at a checkpoint");
        String savepoint = job.stopWithSavepoint(false, folder.resolve("savepoints").toUri().toString(), SavepointFormatType.CANONICAL)
                .get(DEADLINE_MS, TimeUnit.MILLISECONDS);
        end(job);

        write(1000, 2000);
        job = start(savepoint);
        got.addAll(read(results, 1000));
        KafkaConsumer<String, String> dirty = reader("read_uncommitted");
        read(dirty, 2000);
        write(2000, 3000);
        read(dirty, 1); // in a transaction that may be open
        job.cancel().get(DEADLINE_MS, TimeUnit.MILLISECONDS);
        end(job);

        job = start(checkpoint());
        write(3000, 4000);
        got.addAll(read(results, 2000));
        job.cancel().get(DEADLINE_MS, TimeUnit.MILLISECONDS);
        end(job);
        same(IntStream.range(0, 4000).mapToObj(n -> n + "!").sorted().collect(Collectors.toList()),
                got.stream().sorted().collect(Collectors.toList()));
        check(results.poll(Duration.ofMillis(500)).isEmpty(), "a record came twice");
        System.out.println("ok");
        Runtime.getRuntime().halt(0);
    }
}
