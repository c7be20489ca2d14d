#!/usr/bin/env bash
# Installs the Debian packages that are missing (as root or with sudo); otherwise prints the one command that would.
# usage: deps.sh STAMP package[:command] ...   (with :command, the command's presence is enough)
set -eu
stamp=$1
shift
missing=()
for entry in "$@"; do
    package=${entry%%:*} command=${entry#*:}
    if [ "$command" != "$entry" ] && command -v "$command" >/dev/null 2>&1; then continue; fi
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    if [ -n "$sudo" ] && ! sudo -n true 2>/dev/null; then
        printf 'These packages are missing. Install them with:\n  sudo apt-get update && sudo apt-get install -y --no-install-recommends %s\n' "${missing[*]}" >&2
        exit 1
    fi
    echo "installing: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
mkdir -p "$(dirname "$stamp")"
touch "$stamp"
