#!/usr/bin/env bash
# A Slurm cluster of three nodes, all of them this machine, in a folder of its own:
# munged, slurmctld and a slurmd for each node, without a database. Needs root and
# Debian's `slurm-wlm` and `munge`.
#
#   tests/slurm/cluster.sh start DIR        then `export SLURM_CONF=DIR/slurm.conf`
#   tests/slurm/cluster.sh kill DIR NODE    all of a node at once, as if its power went
#   tests/slurm/cluster.sh node DIR NODE    starts a node, also after it died
#   tests/slurm/cluster.sh controller DIR   starts slurmctld, also after it died
#   tests/slurm/cluster.sh stop DIR
#
# n1 and n2 have a core each and are the partitions `main`, `graceful` (whose tasks get
# 3 s when they are pre-empted) and `urgent` (which pre-empts both). n3 is the partition
# `wide`: eight cores, however many there are, and two GPUs, which are /dev/null.
set -euo pipefail

command=$1
folder=$(realpath -m "$2")
host=$(hostname -s)
nodes=(n1 n2 n3)

ready() {
    for _ in $(seq 150); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.2
    done
    echo "not ready: $*" >&2
    tail -n 20 "$folder"/*.log >&2 || true
    exit 1
}

# Nodes that work, one a line.
up() {
    sinfo --noheader --Node --format='%N %T' | grep -E ' (idle|mixed|allocated)$' | sort -u
}

node() {
    slurmd -f "$folder/slurm.conf" -N "$1"
}

controller() {
    slurmctld -f "$folder/slurm.conf"
    ready scontrol ping
}

# The processes of a node: its slurmd, each task, and the slurmstepd that began it.
processes() {
    cat "$folder/slurmd.$1.pid" 2>/dev/null || true
    local process parent
    for process in /proc/[0-9]*; do
        if { tr '\0' '\n' <"$process/environ" | grep -qx "SLURMD_NODENAME=$1"; } 2>/dev/null; then
            echo "${process#/proc/}"
            parent=$(sed -n 's/^PPid:\t//p' "$process/status" 2>/dev/null)
            [[ $(cat "/proc/$parent/comm" 2>/dev/null) != slurmstepd ]] || echo "$parent"
        fi
    done
}

kill_node() {
    processes "$1" | sort -u | xargs --no-run-if-empty kill -KILL
}

start() {
    mkdir -p "$folder"/{state,spool}
    chmod 755 "$folder"
    dd if=/dev/urandom of="$folder/munge.key" bs=1024 count=1 status=none
    chmod 600 "$folder/munge.key"
    mknod "$folder/gpu0" c 1 3
    mknod "$folder/gpu1" c 1 3
    echo "NodeName=n3 Name=gpu File=$folder/gpu[0-1]" >"$folder/gres.conf"
    cat >"$folder/slurm.conf" <<END
ClusterName=ablate
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
# Also the time for which a requeued task must wait.
AuthInfo=socket=$folder/munge.socket,cred_expire=5
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
SlurmctldPort=16817
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.%n.log
# Nodes have what is written here, and not what the machine has.
SlurmdParameters=config_overrides
# A node that does not answer for ten seconds is dead, and its tasks begin again.
SlurmdTimeout=10
ReturnToService=2
JobRequeue=1
KillWait=5
MinJobAge=60
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerParameters=batch_sched_delay=0,sched_interval=1
NodeName=DEFAULT RealMemory=4000 State=UNKNOWN
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=16821 CPUs=1
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=16822 CPUs=1
NodeName=n3 NodeHostname=$host NodeAddr=127.0.0.1 Port=16823 CPUs=8 Gres=gpu:2
PartitionName=DEFAULT MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=main Nodes=n[1-2] Default=YES
PartitionName=graceful Nodes=n[1-2] GraceTime=3
PartitionName=urgent Nodes=n[1-2] PriorityTier=10
PartitionName=wide Nodes=n3
END
    munged --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
        --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" \
        --seed-file="$folder/munged.seed" --num-threads=2 --force
    export SLURM_CONF=$folder/slurm.conf
    controller
    local name
    for name in "${nodes[@]}"; do
        node "$name"
    done
    all_up() { [[ $(up | wc -l) == "${#nodes[@]}" ]]; }
    ready all_up
}

# Ends a daemon and waits until it writes no more.
end() {
    kill "$1" 2>/dev/null || return 0
    for _ in $(seq 100); do
        [[ -e /proc/$1/exe ]] || return 0
        sleep 0.1
    done
}

stop() {
    local name file
    for name in "${nodes[@]}"; do
        kill_node "$name" || true
    done
    for file in "$folder"/{slurmctld,munged}.pid; do
        end "$(cat "$file" 2>/dev/null)"
    done
}

case $command in
    start | controller | stop) "$command" ;;
    node) node "$3" ;;
    kill) kill_node "$3" ;;
    *)
        echo "start, kill, node, controller or stop, not $command" >&2
        exit 2
        ;;
esac
