#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fetch_kafka.sh: the jars of the real Apache Kafka into build/peers/kafka/lib, once.
. "$(dirname "$0")/common.sh"
fetch kafka org.apache.kafka:kafka_2.13:4.3.1 org.apache.kafka:kafka-tools:4.3.1 org.apache.logging.log4j:log4j-slf4j-impl:2.25.4
