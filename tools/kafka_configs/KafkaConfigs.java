// SPDX-License-Identifier: Apache-2.0
//
// KafkaConfigs: prints schema/kafka_configs.tbl from a running Apache Kafka broker (DescribeConfigs with synonyms and
// documentation) and from the validators of its own jars.
//
// usage: java -cp 'build/peers/kafka/lib/*' tools/kafka_configs/KafkaConfigs.java HOST:PORT > schema/kafka_configs.tbl
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.common.config.*;
import org.apache.kafka.common.utils.AppInfoParser;

public class KafkaConfigs {
    static final Map<String, String> updateModes = org.apache.kafka.server.config.DynamicBrokerConfig.dynamicConfigUpdateModes();

    static ConfigDef definition(String scope) throws Exception {
        switch (scope) {
        case "topic":
            return org.apache.kafka.storage.internals.log.LogConfig.configDefCopy();
        case "broker":
            return kafka.server.KafkaConfig.configDef();
        case "group":
            return (ConfigDef) field(org.apache.kafka.coordinator.group.GroupConfig.class, "CONFIG_DEF");
        default:
            return (ConfigDef) field(org.apache.kafka.server.metrics.ClientMetricsConfigs.class, "CONFIG");
        }
    }

    static Object field(Class<?> of, String name) throws Exception {
        var field = of.getDeclaredField(name);
        field.setAccessible(true);
        return field.get(null);
    }

    static String quote(String text) {
        return text == null ? "null" : "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n").replace("\t", " ") + "\"";
    }

    static String defaultOf(ConfigEntry entry, ConfigDef.ConfigKey key) {
        if (key.defaultValue == ConfigDef.NO_DEFAULT_VALUE)
            return "none";
        return quote(ConfigDef.convertToString(key.defaultValue, key.type));
    }

    static String update(String scope, String name) {
        if (!scope.equals("broker"))
            return "dynamic";
        return updateModes.getOrDefault(name, "read-only");
    }

    static void print(Admin admin, String scope, ConfigResource resource) throws Exception {
        var options = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
        var config = admin.describeConfigs(List.of(resource), options).all().get().get(resource);
        var keys = definition(scope).configKeys();
        var entries = new ArrayList<>(config.entries());
        entries.sort(Comparator.comparing(ConfigEntry::name));
        for (var entry : entries) {
            var key = keys.get(entry.name());
            var validator = key.validator == null ? "" : key.validator.toString();
            String synonym = "";
            if (scope.equals("topic"))
                synonym = org.apache.kafka.server.config.ServerTopicConfigSynonyms.TOPIC_CONFIG_SYNONYMS.get(entry.name());
            if (scope.equals("group"))
                synonym = org.apache.kafka.coordinator.group.GroupConfig.brokerSynonym(entry.name()).orElse("");
            System.out.println(scope + "\t" + entry.name() + "\t" + entry.type() + "\t" + defaultOf(entry, key) + "\t"
                    + update(scope, entry.name()) + "\t" + quote(validator) + "\t" + quote(synonym == null ? "" : synonym) + "\t"
                    + quote(entry.documentation()));
        }
    }

    public static void main(String[] args) throws Exception {
        var properties = new Properties();
        properties.put("bootstrap.servers", args[0]);
        try (var admin = Admin.create(properties)) {
            admin.createTopics(List.of(new NewTopic("kafka-configs", 1, (short) 1))).all().get();
            System.out.println("# Every setting of Apache Kafka " + AppInfoParser.getVersion() + ", as its broker describes it (Apache-2.0, see NOTICE).");
            System.out.println("# Made by tools/kafka_configs/KafkaConfigs.java; what weir makes of each stands in kafka_configs_weir.tbl.");
            System.out.println("# Fields are split by a tab: scope, name, type, default, who may change it, allowed values, broker's setting it inherits, documentation.");
            print(admin, "topic", new ConfigResource(ConfigResource.Type.TOPIC, "kafka-configs"));
            print(admin, "broker", new ConfigResource(ConfigResource.Type.BROKER, "1"));
            print(admin, "group", new ConfigResource(ConfigResource.Type.GROUP, "group"));
            print(admin, "client-metrics", new ConfigResource(ConfigResource.Type.CLIENT_METRICS, "subscription"));
            admin.deleteTopics(List.of("kafka-configs")).all().get();
        }
    }
}
