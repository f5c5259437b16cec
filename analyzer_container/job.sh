#!/bin/sh
# The folders below /opt/ml are SageMaker's, and mounted as root's. The analysis runs as a user of its own, who is given
# them first. Where the container is started as another user than root, it must find them as it needs them.
set -eu
if [ "$(id -u)" != 0 ]; then
    exec python /opt/program/job.py "$@"
fi
chown -R modelwatch:modelwatch /opt/ml || true # what is mounted to be read only can still be read
exec setpriv --reuid modelwatch --regid modelwatch --clear-groups --no-new-privs python /opt/program/job.py "$@"
