// SPDX-License-Identifier: Apache-2.0
//
// What came after 2.8: groups whose broker assigns the partitions (KIP-848), topic ids, and calls of the admin client that look
// inside the broker; for releases from 3.9 on. usage: NewWalk HOST:PORT METHOD

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.FutureTask;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.kafka.clients.admin.LogDirDescription;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.ElectionNotNeededException;
import org.apache.kafka.common.errors.UnknownTopicIdException;

public class NewWalk extends TxnWalk {
    /** Like Member, without the settings a member of the new protocol may not have. */
    static final class NewMember extends Thread {
        final KafkaConsumer<String, String> consumer;
        private volatile boolean stopping;
        volatile Set<Integer> owns = Collections.emptySet();
        final List<String> values = new CopyOnWriteArrayList<>();

        NewMember(String group, String topic, String... pairs) {
            List<String> all = new ArrayList<>(Arrays.asList(pairs));
            all.addAll(Arrays.asList("group.id", group, "group.protocol", "consumer"));
            consumer = consumer(all.toArray(new String[0]));
            consumer.subscribe(Collections.singleton(topic));
            start();
        }

        @Override
        public void run() {
            try {
                while (!stopping) {
                    ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(50));
                    // First the commit: who sees the values lets another member take over.
                    if (!records.isEmpty()) consumer.commitSync();
                    records.forEach(record -> values.add(record.value()));
                    Set<Integer> now = new TreeSet<>();
                    consumer.assignment().forEach(place -> now.add(place.partition()));
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

    static void shareByTheBroker(String assignor) throws Exception {
        String topic = topic(4), group = name();
        for (int i = 0; i < 4; i++) send(topic, i, "v" + i);
        NewMember first = new NewMember(group, topic, "group.remote.assignor", assignor);
        until(() -> first.owns.size() == 4 && first.values.size() == 4, "all partitions and records for the only member");
        NewMember second = new NewMember(group, topic, "group.remote.assignor", assignor);
        until(() -> first.owns.size() == 2 && second.owns.size() == 2, "half of the partitions for each member");
        try (Admin admin = admin()) {
            ConsumerGroupDescription found = admin.describeConsumerGroups(Collections.singleton(group)).all().get().get(group);
            same("Stable " + assignor + " 2", found.state() + " " + found.partitionAssignor() + " " + found.members().size());
        }
        first.leave();
        until(() -> second.owns.size() == 4, "all partitions for the member that stays");
        second.leave();
        same(0, second.values.size());
        try (Admin admin = admin()) {
            long sum = 0;
            for (OffsetAndMetadata kept : admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().values())
                sum += kept.offset();
            same(4L, sum);
        }
    }

    static void members_of_the_new_protocol_share_with_each_assignor() throws Exception {
        FutureTask<Void> range = new FutureTask<>(() -> { // at the same time: each waits for heartbeats of 5 s
            shareByTheBroker("range");
            return null;
        });
        new Thread(range).start();
        shareByTheBroker("uniform");
        range.get();
    }

    static void a_group_moves_from_the_classic_protocol_to_the_new_one() throws Exception {
        String topic = topic(2), group = name();
        Member classic = new Member(group, topic, "partition.assignment.strategy",
                                    "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
        until(() -> classic.owns.size() == 2, "both partitions for the classic member");
        NewMember member = new NewMember(group, topic);
        until(() -> classic.owns.size() == 1 && member.owns.size() == 1, "one partition for each");
        classic.leave();
        until(() -> member.owns.size() == 2, "both partitions for the new member");
        member.leave();
    }

    static void a_group_of_several_goes_over_and_back() throws Exception {
        String topic = topic(4), group = name();
        String[] cooperative = {"partition.assignment.strategy", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"};
        Member first = new Member(group, topic, cooperative), second = new Member(group, topic, cooperative);
        until(() -> first.owns.size() == 2 && second.owns.size() == 2, "two partitions for each classic member");
        NewMember one = new NewMember(group, topic), two = new NewMember(group, topic);
        until(() -> first.owns.size() == 1 && second.owns.size() == 1 && one.owns.size() == 1 && two.owns.size() == 1,
              "one partition for each of four");
        for (int i = 0; i < 4; i++) send(topic, i, "during");
        until(() -> first.values.size() + second.values.size() + one.values.size() + two.values.size() == 4, "each record once");
        one.leave();
        two.leave();
        until(() -> first.owns.size() == 2 && second.owns.size() == 2, "two partitions for each classic member again");
        for (int i = 0; i < 4; i++) send(topic, i, "after");
        until(() -> Collections.frequency(first.values, "after") + Collections.frequency(second.values, "after") == 4,
              "each record once again");
        first.leave();
        second.leave();
    }

    static void a_topic_is_described_by_its_id() throws Exception {
        String topic = topic(3);
        try (Admin admin = admin()) {
            TopicDescription named = admin.describeTopics(Collections.singleton(topic)).allTopicNames().get().get(topic);
            Uuid id = named.topicId();
            same(topic, admin.describeTopics(TopicCollection.ofTopicIds(Collections.singleton(id))).allTopicIds().get().get(id).name());
            same(3, named.partitions().size());
            admin.deleteTopics(TopicCollection.ofTopicIds(Collections.singleton(id))).all().get();
            same(UnknownTopicIdException.class,
                 failureOf(admin.describeTopics(TopicCollection.ofTopicIds(Collections.singleton(id))).allTopicIds()).getClass());
        }
    }

    static void the_record_of_the_greatest_time_is_found() throws Exception {
        String topic = topic(1, KEEP);
        try (KafkaProducer<String, String> producer = producer(); Admin admin = admin()) {
            for (long time : new long[] {1000, 3000, 2000}) producer.send(new ProducerRecord<>(topic, 0, time, null, "x")).get();
            TopicPartition place = new TopicPartition(topic, 0);
            ListOffsetsResult.ListOffsetsResultInfo found =
                    admin.listOffsets(Collections.singletonMap(place, OffsetSpec.maxTimestamp())).partitionResult(place).get();
            same("1 3000", found.offset() + " " + found.timestamp());
        }
    }

    static void log_dirs_features_and_elections_are_answered() throws Exception {
        String topic = topic(1);
        send(topic, 0, "some bytes");
        TopicPartition place = new TopicPartition(topic, 0);
        try (Admin admin = admin()) {
            int id = admin.describeCluster().controller().get().id();
            Map<String, LogDirDescription> dirs = admin.describeLogDirs(Collections.singleton(id)).allDescriptions().get().get(id);
            check(dirs.values().iterator().next().replicaInfos().get(place).size() > 60, dirs);
            check(dirs.values().iterator().next().totalBytes().getAsLong() > 0, dirs);
            check(admin.describeFeatures().featureMetadata().get().supportedFeatures() != null, "no features");
            Throwable told = admin.electLeaders(ElectionType.PREFERRED, Collections.singleton(place)).partitions().get().get(place).get();
            same(ElectionNotNeededException.class, told.getClass());
            check(admin.listPartitionReassignments().reassignments().get().isEmpty(), "reassignments");
        }
    }

    static void producers_and_transactions_can_be_looked_at_and_aborted() throws Exception {
        String topic = topic(1), id = name();
        TopicPartition place = new TopicPartition(topic, 0);
        try (Admin admin = admin(); KafkaProducer<String, String> producer = transactional(id)) {
            producer.beginTransaction();
            put(producer, topic, "open");
            producer.flush();
            ProducerState state = admin.describeProducers(Collections.singleton(place)).all().get().get(place).activeProducers().get(0);
            same("0 0", state.lastSequence() + " " + state.currentTransactionStartOffset().getAsLong());
            TransactionDescription open = admin.describeTransactions(Collections.singleton(id)).all().get().get(id);
            same(TransactionState.ONGOING + " " + state.producerId() + " [" + place + "]",
                 open.state() + " " + open.producerId() + " " + open.topicPartitions());
            check(admin.listTransactions().all().get().stream().map(TransactionListing::transactionalId).anyMatch(id::equals), "not listed");
            producer.commitTransaction();
            admin.fenceProducers(Collections.singleton(id)).all().get();
            producer.beginTransaction();
            try {
                put(producer, topic, "fenced");
                producer.commitTransaction();
                throw new AssertionError("was not fenced");
            } catch (KafkaException fenced) {
            }
        }
        same(Arrays.asList("open"), readAll(topic, "read_committed", 1));
    }

    public static void main(String[] words) throws Exception {
        run(NewWalk.class, words);
    }
}
