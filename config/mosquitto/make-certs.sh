#!/bin/sh
# Certificates for the broker and its clients, by the county's own authority.
#
#   make-certs.sh FOLDER NAME...     e.g. make-certs.sh config/certs cloud-ingest gw-trucks gw-clinics
#
# Makes what is missing in FOLDER: the authority (ca.crt, ca.key: keep the key off the broker), the broker's pair
# (server.*) and one pair for each NAME. A client's common name is its account: a gateway's id, or cloud-ingest.
# OWNER is the user who reads the clients' pairs (the images' is 10001).
# HOSTS adds names under which gateways reach the broker: HOSTS="broker.county.example 10.0.0.5".
set -eu
[ $# -ge 1 ] || { sed -n '2,9p' "$0" | cut -c3-; exit 2; }
folder=$1
shift
umask 077
mkdir -p "$folder"
cd "$folder"

if [ ! -f ca.key ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
    -keyout ca.key -out ca.crt -subj "/CN=county authority" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
fi

issue() { # NAME EXTENSIONS
  [ -f "$1.crt" ] && return
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>/dev/null
  printf '%s\n' "basicConstraints=CA:FALSE" "keyUsage=critical,digitalSignature" "$2" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 825 -out "$1.crt" -extfile "$1.ext" 2>/dev/null
  rm -f "$1.csr" "$1.ext"
  echo "made $folder/$1.crt"
}

names="DNS:mosquitto,DNS:localhost,IP:127.0.0.1"
for host in ${HOSTS:-}; do
  case $host in
    *[!0-9.]*) names="$names,DNS:$host" ;;
    *) names="$names,IP:$host" ;;
  esac
done
issue server "subjectAltName=$names
extendedKeyUsage=serverAuth"
for name in "$@"; do
  issue "$name" "extendedKeyUsage=clientAuth"
done
if [ -n "${OWNER:-}" ]; then
  for name in "$@"; do chown "$OWNER" "$name.crt" "$name.key"; done
fi
chmod 755 .
# Mosquitto runs as its own user in the container and must read these three; the authority's key stays ours.
chmod 644 ca.crt server.crt server.key
