#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# start_kafka.sh DIR [PROPERTY=VALUE...]: the real Apache Kafka, one KRaft node with its data under DIR (made anew).
# Prints "HOST:PORT PID VERSION" when it answers. @PORT@ and @CONTROLLER@ in a value stand for the ports it took, @ANOTHER@ for
# one more, which is then printed too.
. "$(dirname "$0")/common.sh"
version=4.3.1
dir=$1
shift
"$(dirname "$0")/fetch_kafka.sh"
lib=$root/build/peers/kafka/lib
rm -rf "$dir"
mkdir -p "$dir"
hold_ports 3
port=${ports[0]} controller=${ports[1]} another=${ports[2]}
cat >"$dir/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
log.dirs=$dir/data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# A machine that pauses for 9 s would have a new leader of each partition.
broker.session.timeout.ms=600000
END
set -- "${@//@PORT@/$port}"
[[ $* == *@ANOTHER@* ]] || another=
set -- "${@//@ANOTHER@/$another}"
printf '%s\n' "${@//@CONTROLLER@/$controller}" >>"$dir/server.properties"
cat >"$dir/log4j2.yaml" <<'END'
Configuration: {status: WARN, Appenders: {Console: {name: E, target: SYSTEM_ERR, PatternLayout: {pattern: "[%d] %p %m (%c)%n"}}}, Loggers: {Root: {level: WARN, AppenderRef: {ref: E}}}}
END
java=(java -cp "$lib/*" "-Dlog4j2.configurationFile=$dir/log4j2.yaml")
timeout 300 "${java[@]}" kafka.tools.StorageTool format --standalone -t AAAAAAAAAp1Ctk52cUJEyw -c "$dir/server.properties" >"$dir/log" 2>&1 ||
    { tail -5 "$dir/log" >&2; exit 1; }
"${java[@]}" -Xms512m -Xmx1g kafka.Kafka "$dir/server.properties" >>"$dir/log" 2>&1 </dev/null &
pid=$!
await $pid "$port" 300 "$dir/log"
release_ports
echo "127.0.0.1:$port $pid $version $another"
