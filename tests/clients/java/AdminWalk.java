// SPDX-License-Identifier: Apache-2.0
//
// What a program on the Java admin client does, a method per behaviour; for releases from 2.8 on.
// usage: AdminWalk HOST:PORT METHOD

import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.apache.kafka.common.errors.GroupSubscribedToTopicException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.OffsetOutOfRangeException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

public class AdminWalk extends Walk {
    static void fails(KafkaFuture<?> future, Class<? extends Throwable> wanted) throws Exception {
        same(wanted, failureOf(future).getClass());
    }

    static ConfigEntry config(Admin admin, ConfigResource resource, String key) throws Exception {
        return admin.describeConfigs(Collections.singleton(resource)).all().get().get(resource).get(key);
    }

    static void alter(Admin admin, ConfigResource resource, String key, String value, AlterConfigOp.OpType how) throws Exception {
        AlterConfigOp op = new AlterConfigOp(new ConfigEntry(key, value), how);
        Map<ConfigResource, Collection<AlterConfigOp>> all = new HashMap<>();
        all.put(resource, Collections.singleton(op));
        try {
            admin.incrementalAlterConfigs(all).all().get();
        } catch (java.util.concurrent.ExecutionException wrapped) {
            throw (Exception) wrapped.getCause();
        }
    }

    static void topics_are_created_grown_and_deleted() throws Exception {
        String name = name();
        try (Admin admin = admin()) {
            Map<String, String> configs = Collections.singletonMap("cleanup.policy", "compact");
            org.apache.kafka.clients.admin.CreateTopicsResult made =
                    admin.createTopics(Collections.singleton(new NewTopic(name, 2, (short) 1).configs(configs)));
            made.all().get();
            same(2, made.numPartitions(name).get());
            same(1, made.replicationFactor(name).get());
            same("compact", made.config(name).get().get("cleanup.policy").value());
            fails(admin.createTopics(Collections.singleton(new NewTopic(name, 2, (short) 1))).all(), TopicExistsException.class);
            fails(admin.createTopics(Collections.singleton(new NewTopic("no spaces", 1, (short) 1))).all(),
                  InvalidTopicException.class);
            fails(admin.createTopics(Collections.singleton(new NewTopic(name(), 0, (short) 1))).all(),
                  InvalidPartitionsException.class);
            check(admin.listTopics().names().get().contains(name), "not listed");
            admin.createPartitions(Collections.singletonMap(name, NewPartitions.increaseTo(5))).all().get();
            fails(admin.createPartitions(Collections.singletonMap(name, NewPartitions.increaseTo(3))).all(),
                  InvalidPartitionsException.class);
            try (KafkaConsumer<String, String> consumer = consumer()) {
                same(5, consumer.partitionsFor(name).size());
            }
            admin.deleteTopics(Collections.singleton(name)).all().get();
            fails(admin.deleteTopics(Collections.singleton(name)).all(), UnknownTopicOrPartitionException.class);
        }
    }

    static void the_cluster_is_described() throws Exception {
        try (Admin admin = admin()) {
            Collection<Node> nodes = admin.describeCluster().nodes().get();
            same(1, nodes.size());
            Node only = nodes.iterator().next();
            same(only.id(), admin.describeCluster().controller().get().id());
            same(at, only.host() + ":" + only.port());
            same(22, admin.describeCluster().clusterId().get().length());
        }
    }

    static void configs_of_topics_and_brokers_are_described_and_altered() throws Exception {
        String topic = topic(1);
        try (Admin admin = admin()) {
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            same("604800000", config(admin, resource, "retention.ms").value());
            same(ConfigEntry.ConfigSource.DEFAULT_CONFIG, config(admin, resource, "retention.ms").source());
            same(ConfigEntry.ConfigType.LONG, config(admin, resource, "retention.ms").type());
            alter(admin, resource, "retention.ms", "1000000", AlterConfigOp.OpType.SET);
            same("1000000", config(admin, resource, "retention.ms").value());
            same(ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG, config(admin, resource, "retention.ms").source());
            alter(admin, resource, "cleanup.policy", "compact", AlterConfigOp.OpType.APPEND);
            same(new TreeSet<>(Arrays.asList("compact", "delete")),
                 new TreeSet<>(Arrays.asList(config(admin, resource, "cleanup.policy").value().split(","))));
            alter(admin, resource, "cleanup.policy", "compact", AlterConfigOp.OpType.SUBTRACT);
            same("delete", config(admin, resource, "cleanup.policy").value());
            alter(admin, resource, "retention.ms", null, AlterConfigOp.OpType.DELETE);
            same("604800000", config(admin, resource, "retention.ms").value());
            try {
                alter(admin, resource, "retention.ms", "soon", AlterConfigOp.OpType.SET);
                throw new AssertionError("a bad value was taken");
            } catch (InvalidConfigurationException refused) {
                check(refused.getMessage().contains("retention.ms"), refused.getMessage());
            }
            int id = admin.describeCluster().controller().get().id();
            Config broker = admin.describeConfigs(Collections.singleton(new ConfigResource(ConfigResource.Type.BROKER, "" + id)))
                                    .all().get().values().iterator().next();
            check(broker.entries().size() > 100, broker.entries().size() + " settings of the broker");
            same("1048588", broker.get("message.max.bytes").value());
        }
    }

    static void offsets_are_listed_and_records_deleted() throws Exception {
        String topic = topic(1);
        TopicPartition place = new TopicPartition(topic, 0);
        send(topic, 0, "a", "b", "c", "d");
        try (Admin admin = admin()) {
            same(0L, admin.listOffsets(Collections.singletonMap(place, OffsetSpec.earliest())).partitionResult(place).get().offset());
            same(4L, admin.listOffsets(Collections.singletonMap(place, OffsetSpec.latest())).partitionResult(place).get().offset());
            same(0L, admin.listOffsets(Collections.singletonMap(place, OffsetSpec.forTimestamp(0))).partitionResult(place).get().offset());
            same(3L, admin.deleteRecords(Collections.singletonMap(place, RecordsToDelete.beforeOffset(3)))
                             .lowWatermarks().get(place).get().lowWatermark());
            same(3L, admin.listOffsets(Collections.singletonMap(place, OffsetSpec.earliest())).partitionResult(place).get().offset());
            fails(admin.deleteRecords(Collections.singletonMap(place, RecordsToDelete.beforeOffset(9))).all(),
                  OffsetOutOfRangeException.class);
        }
    }

    static void groups_are_listed_described_altered_and_deleted() throws Exception {
        String topic = topic(1), group = name();
        TopicPartition place = new TopicPartition(topic, 0);
        send(topic, 0, "a", "b", "c");
        try (Admin admin = admin()) {
            try (KafkaConsumer<String, String> consumer = consumer("group.id", group, "client.id", "reader")) {
                consumer.subscribe(Collections.singleton(topic));
                read(consumer, 3);
                consumer.commitSync();
                ConsumerGroupDescription found =
                        admin.describeConsumerGroups(Collections.singleton(group)).all().get().get(group);
                same("Stable range reader [" + place + "]", found.state() + " " + found.partitionAssignor() + " "
                        + found.members().iterator().next().clientId() + " "
                        + found.members().iterator().next().assignment().topicPartitions());
                fails(admin.deleteConsumerGroups(Collections.singleton(group)).all(), GroupNotEmptyException.class);
                fails(admin.deleteConsumerGroupOffsets(group, Collections.singleton(place)).all(),
                      GroupSubscribedToTopicException.class);
            }
            check(admin.listConsumerGroups().all().get().stream().anyMatch(one -> one.groupId().equals(group)), "not listed");
            Map<TopicPartition, OffsetAndMetadata> kept =
                    admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
            same(3L, kept.get(place).offset());
            admin.alterConsumerGroupOffsets(group, Collections.singletonMap(place, new OffsetAndMetadata(1, "again"))).all().get();
            kept = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
            same("1 again", kept.get(place).offset() + " " + kept.get(place).metadata());
            admin.deleteConsumerGroupOffsets(group, Collections.singleton(place)).all().get();
            check(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().isEmpty(), "offsets are left");
            try { // without offsets the group may be forgotten before we ask
                admin.deleteConsumerGroups(Collections.singleton(group)).all().get();
            } catch (java.util.concurrent.ExecutionException gone) {
                same(GroupIdNotFoundException.class, gone.getCause().getClass());
            }
            fails(admin.deleteConsumerGroups(Collections.singleton(group)).all(), GroupIdNotFoundException.class);
        }
    }

    static void a_static_member_is_removed_by_its_instance_id() throws Exception {
        String topic = topic(1), group = name();
        try (Admin admin = admin()) {
            Member member = new Member(group, topic, "group.instance.id", "worker-1");
            until(() -> member.owns.size() == 1, "the partition");
            member.leave();
            same(1, admin.describeConsumerGroups(Collections.singleton(group)).all().get().get(group).members().size());
            Set<MemberToRemove> who = Collections.singleton(new MemberToRemove("worker-1"));
            admin.removeMembersFromConsumerGroup(group, new RemoveMembersFromConsumerGroupOptions(who)).all().get();
            same(0, admin.describeConsumerGroups(Collections.singleton(group)).all().get().get(group).members().size());
        }
    }

    static void two_members_share_by_cooperative_assignment() throws Exception {
        String topic = topic(4);
        share(name(), topic, 4, "partition.assignment.strategy",
              "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
    }

    public static void main(String[] words) throws Exception {
        run(AdminWalk.class, words);
    }
}
