#!/usr/bin/env bash
# A Slurm cluster of one machine, this one, in a folder of its own: munged, slurmctld
# and slurmd, without a database. Needs root and Debian's `slurm-wlm` and `munge`.
#
#   tests/slurm/cluster.sh start DIR     then `export SLURM_CONF=DIR/slurm.conf`
#   tests/slurm/cluster.sh node DIR      starts the node again after it died
#   tests/slurm/cluster.sh stop DIR
set -euo pipefail

command=$1
folder=$(realpath -m "$2")
host=$(hostname -s)

ready() {
    for _ in $(seq 150); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.2
    done
    echo "not ready: $*" >&2
    tail -n 20 "$folder"/*.log >&2 || true
    exit 1
}

node() {
    slurmd -f "$folder/slurm.conf" -N "$host"
}

start() {
    mkdir -p "$folder"/{state,spool}
    chmod 755 "$folder"
    dd if=/dev/urandom of="$folder/munge.key" bs=1024 count=1 status=none
    chmod 600 "$folder/munge.key"
    local memory=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024))
    cat > "$folder/slurm.conf" <<END
ClusterName=ablate
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
# A node that does not answer for ten seconds is dead, and its tasks begin again.
SlurmdTimeout=10
ReturnToService=2
JobRequeue=1
KillWait=20
MinJobAge=60
SchedulerParameters=batch_sched_delay=0,sched_interval=1,requeue_delay=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
    munged --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
        --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" \
        --seed-file="$folder/munged.seed" --num-threads=2 --force
    export SLURM_CONF=$folder/slurm.conf
    slurmctld -f "$folder/slurm.conf"
    ready scontrol ping
    node
    ready sh -c 'sinfo --noheader --format=%T | grep -Eqx "idle|mixed|allocated"'
}

stop() {
    for daemon in slurmd slurmctld munged; do
        if [[ -f $folder/$daemon.pid ]]; then
            kill "$(cat "$folder/$daemon.pid")" 2>/dev/null || true
        fi
    done
}

case $command in
    start | node | stop) "$command" ;;
    *)
        echo "start, node or stop, not $command" >&2
        exit 2
        ;;
esac
