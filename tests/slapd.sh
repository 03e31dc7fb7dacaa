#!/bin/sh
# Prints where a directory server (OpenLDAP's slapd) for the tests lies; fetches it when this machine's package manager
# can. It is unpacked beside the virtual environment and not installed: no service is started, nothing is configured.
home=$(cd "$(dirname "$0")/.." && pwd)/.venv/slapd
[ -x "$home/usr/sbin/slapd" ] && { echo "$home"; exit 0; }
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || exit 1

new=$home.$$
trap 'rm -rf "$new"' EXIT
mkdir -p "$new/archives/partial"
apt-get update -qq >/dev/null 2>&1
apt-get install -y -qq --no-install-recommends --download-only -o "Dir::Cache::archives=$new/archives" slapd \
    >/dev/null 2>&1 || exit 1
for package in "$new"/archives/*.deb; do
    dpkg-deb -x "$package" "$new" || exit 1
done
rm -rf "$new/archives"
[ -x "$new/usr/sbin/slapd" ] || exit 1
mv "$new" "$home" 2>/dev/null
[ -x "$home/usr/sbin/slapd" ] && echo "$home"
