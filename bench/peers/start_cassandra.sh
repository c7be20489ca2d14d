#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# start_cassandra.sh DIR periodic|batch: the real Apache Cassandra, one node with its data under DIR (made anew).
# periodic is its default: it answers before the fsync. batch: an fsync before each answer, shared by writes that wait.
# Prints "HOST:PORT PID VERSION" when it answers.
. "$(dirname "$0")/common.sh"
version=5.0.9
dir=$1 sync=$2
fetch cassandra org.apache.cassandra:cassandra-all:$version
rm -rf "$dir"
mkdir -p "$dir"
hold_ports 2
port=${ports[0]} storage=${ports[1]}
cat >"$dir/cassandra.yaml" <<END
cluster_name: 'bench'
num_tokens: 1
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: "127.0.0.1:$storage"
listen_address: 127.0.0.1
storage_port: $storage
rpc_address: 127.0.0.1
native_transport_port: $port
auto_snapshot: false
commitlog_sync: $sync
END
[ "$sync" != periodic ] || echo "commitlog_sync_period: 10000ms" >>"$dir/cassandra.yaml"
cat >"$dir/logback.xml" <<'END'
<configuration><appender name="OUT" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%d{HH:mm:ss.SSS} %-5level %logger{20} %msg%n%ex{3}</pattern></encoder></appender>
<root level="INFO"><appender-ref ref="OUT"/></root></configuration>
END
opens=()
for package in jdk.internal.misc jdk.internal.ref java.lang.ref sun.nio.ch; do opens+=(--add-exports=java.base/$package=ALL-UNNAMED); done
opens+=(--add-exports=java.management.rmi/com.sun.jmx.remote.internal.rmi=ALL-UNNAMED --add-exports=java.sql/java.sql=ALL-UNNAMED
    --add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED --add-exports=java.rmi/sun.rmi.server=ALL-UNNAMED
    --add-exports=jdk.unsupported/sun.misc=ALL-UNNAMED --add-opens=jdk.management/com.sun.management.internal=ALL-UNNAMED)
for package in java.lang java.lang.module java.lang.reflect java.io java.nio java.nio.charset java.util java.util.concurrent \
    java.util.concurrent.atomic sun.nio.ch jdk.internal.loader jdk.internal.ref jdk.internal.reflect jdk.internal.math \
    jdk.internal.module jdk.internal.util.jar; do
    opens+=(--add-opens=java.base/$package=ALL-UNNAMED)
done
# Without the right to lock memory, as in a container: its heap counts only where it is used.
as=(setpriv --inh-caps=-ipc_lock --bounding-set=-ipc_lock prlimit --memlock=65536:65536)
[ "$(id -u)" = 0 ] || as=()
"${as[@]}" java "${opens[@]}" -Xms1g -Xmx1g -Xss512k -XX:+UseG1GC -XX:+PerfDisableSharedMem -Djava.net.preferIPv4Stack=true \
    -Djdk.attach.allowAttachSelf=true -Dio.netty.tryReflectionSetAccessible=true "-javaagent:$lib/jamm-0.4.0.jar" \
    "-Dcassandra.config=file://$dir/cassandra.yaml" "-Dcassandra.storagedir=$dir" "-Dlogback.configurationFile=file://$dir/logback.xml" \
    -Dcassandra.ring_delay_ms=100 -Dcassandra.skip_wait_for_gossip_to_settle=0 -Dcassandra.superuser_setup_delay_ms=0 \
    -Dcassandra.initial_token=0 -cp "$lib/*" org.apache.cassandra.service.CassandraDaemon >"$dir/log" 2>&1 </dev/null &
pid=$!
await $pid "$port" 100 "$dir/log"
release_ports
echo "127.0.0.1:$port $pid $version"
