// SPDX-License-Identifier: Apache-2.0
//
// What only 4.x has. usage: NewestWalk HOST:PORT METHOD

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.GroupType;

public class NewestWalk extends Walk {
    static void the_broker_follows_a_pattern() throws Exception {
        String prefix = name();
        send(prefix + "-a", 0, "one");
        try (KafkaConsumer<String, String> consumer = consumer("group.id", prefix, "group.protocol", "consumer")) {
            consumer.subscribe(new SubscriptionPattern(prefix + "-[ab]"));
            same(Arrays.asList("one"), read(consumer, 1));
            consumer.commitSync();
            send(prefix + "-c", 0, "never");
            send(prefix + "-b", 0, "two");
            same(Arrays.asList("two"), read(consumer, 1));
        }
    }

    static void groups_are_listed_by_their_type() throws Exception {
        String topic = topic(1), classic = name(), fresh = name();
        send(topic, 0, "x");
        try (Admin admin = admin();
                KafkaConsumer<String, String> one = consumer("group.id", classic);
                KafkaConsumer<String, String> two = consumer("group.id", fresh, "group.protocol", "consumer")) {
            one.subscribe(Collections.singleton(topic));
            two.subscribe(Collections.singleton(topic));
            same(2, read(one, 1).size() + read(two, 1).size());
            for (GroupType type : new GroupType[] {GroupType.CLASSIC, GroupType.CONSUMER}) {
                List<String> listed = new ArrayList<>();
                for (GroupListing group : admin.listGroups(new ListGroupsOptions().withTypes(Collections.singleton(type))).all().get())
                    listed.add(group.groupId());
                same((type == GroupType.CLASSIC) + " " + (type == GroupType.CONSUMER),
                     listed.contains(classic) + " " + listed.contains(fresh));
            }
            same(classic, admin.describeClassicGroups(Collections.singleton(classic)).all().get().get(classic).groupId());
        }
    }

    public static void main(String[] words) throws Exception {
        run(NewestWalk.class, words);
    }
}
