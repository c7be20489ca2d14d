# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it. Servers keep their files under build/peers; they end by `kill PID`.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)

fetch() { # fetch NAME GROUP:ARTIFACT:VERSION...: the jars and what they need into build/peers/NAME/lib, once
    lib=$root/build/peers/$1/lib
    [ ! -e "$lib.complete" ] || return 0
    mkdir -p "$lib"
    {
        echo "<project><modelVersion>4.0.0</modelVersion><groupId>peers</groupId><artifactId>$1</artifactId><version>1</version>"
        echo "<packaging>pom</packaging><dependencies>"
        shift
        for coordinates in "$@"; do
            IFS=: read -r g a v <<<"$coordinates"
            echo "<dependency><groupId>$g</groupId><artifactId>$a</artifactId><version>$v</version></dependency>"
        done
        echo "</dependencies></project>"
    } >"$lib/../pom.xml"
    (cd "$lib/.." && timeout 300 mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
        -DoutputDirectory=lib -DincludeScope=runtime >mvn.log 2>&1) || { tail -20 "$lib/../mvn.log" >&2; exit 1; }
    touch "$lib.complete"
}

hold_ports() { # hold_ports N: as many numbers in $ports, that nobody else is given; a server of Java may take them until release_ports
    local holder
    exec {holder}< <(exec python3 -c "import socket, sys, time
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for one in held: one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1), one.bind(('127.0.0.1', 0))
print(*(one.getsockname()[1] for one in held), flush=True)
time.sleep(3600)" "$1")
    holder_pid=$!
    trap release_ports EXIT
    read -r -a ports <&"$holder"
    exec {holder}<&-
}

release_ports() {
    kill "$holder_pid"
    trap - EXIT
}

await() { # await PID PORT SECONDS LOG: until the port takes connections
    for _ in $(seq $((10 * $3))); do
        kill -0 "$1" 2>/dev/null || { tail -20 "$4" >&2; exit 1; }
        ! (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null || return 0
        sleep 0.1
    done
    echo "no answer on port $2 after $3 s; see $4" >&2
    kill -9 "$1"
    exit 1
}
