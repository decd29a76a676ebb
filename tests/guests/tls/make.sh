#!/bin/sh
# Makes the certificates of the tests: an authority that nobody trusts, and a server `web.test` of it. Valid for a century.
set -eu
cd "$(dirname "$0")"
key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | openssl pkcs8 -topk8 -nocrypt -outform DER -out "$1"; }
key authority.key
openssl req -new -x509 -key authority.key -subj "/CN=Authority of the tests" -days 36500 -outform DER -out authority.der \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
key server.key
printf 'subjectAltName=DNS:web.test\nextendedKeyUsage=serverAuth\n' > server.ext
openssl req -new -key server.key -subj "/CN=web.test" |
    openssl x509 -req -CA authority.der -CAkey authority.key -days 36500 -extfile server.ext -outform DER -out server.der
rm authority.key server.ext
