// SPDX-License-Identifier: Apache-2.0
//
// What kafka-ui and AKHQ ask for their pages, with the client they are built on (neither is in a registry the tests may install
// from). usage: UiWalk HOST:PORT METHOD

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeClusterResult;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.ReplicaInfo;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.SecurityDisabledException;
import org.apache.kafka.common.quota.ClientQuotaFilter;

public class UiWalk extends Walk {
    static Collection<ConfigEntry> configs(Admin admin, ConfigResource.Type type, String name) throws Exception {
        ConfigResource resource = new ConfigResource(type, name);
        DescribeConfigsOptions all = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
        return admin.describeConfigs(Set.of(resource), all).all().get().get(resource).entries();
    }

    static void the_page_of_the_cluster() throws Exception {
        try (Admin admin = admin()) {
            DescribeClusterResult cluster = admin.describeCluster(new DescribeClusterOptions().includeAuthorizedOperations(true));
            String node = cluster.controller().get().idString();
            check(!cluster.clusterId().get().isEmpty() && cluster.nodes().get().size() == 1, cluster);
            check(cluster.authorizedOperations().get().size() == 7, cluster.authorizedOperations().get());
            check(configs(admin, ConfigResource.Type.BROKER, node).stream().allMatch(one -> one.documentation() != null), "no words");
            same(SecurityDisabledException.class, failureOf(admin.describeAcls(AclBindingFilter.ANY).values()).getClass());
            admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get();
            admin.describeUserScramCredentials().users().get();
            check(admin.describeFeatures().featureMetadata().get().finalizedFeatures().containsKey("metadata.version"), "no version");
        }
    }

    static void the_pages_of_a_topic() throws Exception {
        String topic = topic(2, "retention.ms", "1234567");
        send(topic, 0, "a", "b", "c");
        send(topic, 1, "d");
        try (Admin admin = admin(); KafkaConsumer<String, String> reader = consumer()) {
            Set<String> names = admin.listTopics(new ListTopicsOptions().listInternal(true)).names().get();
            check(names.contains(topic), names);
            TopicDescription described = admin.describeTopics(Set.of(topic)).allTopicNames().get().get(topic);
            check(described.partitions().stream().allMatch(one -> one.leader() != null && one.isr().size() == 1), described);
            ConfigEntry kept = configs(admin, ConfigResource.Type.TOPIC, topic).stream()
                    .filter(one -> one.name().equals("retention.ms")).findFirst().get();
            same("1234567 DYNAMIC_TOPIC_CONFIG", kept.value() + " " + kept.source());
            check(kept.synonyms().size() == 1 && kept.documentation().length() > 20, kept);
            Map<TopicPartition, ReplicaInfo> sizes = new HashMap<>();
            admin.describeLogDirs(Set.of(1)).allDescriptions().get().get(1).values().forEach(dir -> sizes.putAll(dir.replicaInfos()));
            check(sizes.get(new TopicPartition(topic, 0)).size() > sizes.get(new TopicPartition(topic, 1)).size(), sizes);
            check(!admin.describeProducers(Set.of(new TopicPartition(topic, 0))).all().get().isEmpty(), "no producers");

            List<TopicPartition> places = List.of(new TopicPartition(topic, 0), new TopicPartition(topic, 1));
            reader.assign(places);
            Map<TopicPartition, Long> ends = reader.endOffsets(places);
            same("3 1", ends.get(places.get(0)) + " " + ends.get(places.get(1)));
            for (TopicPartition place : places) reader.seek(place, Math.max(0, ends.get(place) - 2)); // the newest two of each
            List<String> shown = new ArrayList<>(read(reader, 3));
            shown.sort(null);
            same(List.of("b", "c", "d"), shown);
        }
    }

    static void the_page_of_groups() throws Exception {
        String topic = topic(1), group = name();
        send(topic, 0, "a", "b", "c");
        TopicPartition place = new TopicPartition(topic, 0);
        try (Admin admin = admin(); KafkaConsumer<String, String> member = consumer("group.id", group, "max.poll.records", "1")) {
            member.subscribe(Set.of(topic));
            same(List.of("a"), read(member, 1));
            member.commitSync();
            check(admin.listConsumerGroups().all().get().stream().anyMatch(one -> one.groupId().equals(group)), "not listed");
            ConsumerGroupDescription described = admin.describeConsumerGroups(Set.of(group)).all().get().get(group);
            same("STABLE 1", described.state().name() + " " + described.coordinator().id());
            same(Set.of(place), described.members().iterator().next().assignment().topicPartitions());
            ListConsumerGroupOffsetsSpec all = new ListConsumerGroupOffsetsSpec();
            long at = admin.listConsumerGroupOffsets(Map.of(group, all)).all().get().get(group).get(place).offset();
            long end = admin.listOffsets(Map.of(place, OffsetSpec.latest())).all().get().get(place).offset();
            same(2L, end - at);
        }
    }

    public static void main(String[] words) throws Exception {
        run(UiWalk.class, words);
    }
}
