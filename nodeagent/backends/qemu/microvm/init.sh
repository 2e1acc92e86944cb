#!/bin/sh
# The first process of a microVM. It is put beside the image's own files, runs the task's command among them, says how it ended, and powers off.
# It needs a shell and, of busybox or others, the usual programs.
#
# It speaks to the node through ports with names: `orders` gives, once, a script with the variables directory, search_path and program and the
# functions in_environment and run_command; `output` and `errors` take what the command says; `report` takes one line on how it ended; `control`
# gives a word a line: `stop`, or `session SLOT MARK`. A session is a command beside the task's: `talk.SLOT` gives `begin MARK MODE ROWS COLUMNS`,
# its script and MARK, later `size ROWS COLUMNS`, and takes `open MARK`, `ready` and `exit CODE`; `in.SLOT`, `out.SLOT` and `err.SLOT` are its streams, the latter
# two with MARK at their end; with a terminal, the console of the slot is all three.
#
# A shell lets what it starts with & ignore SIGINT, and so would a terminal's commands: what shall run beside the first process is started by `detach`.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
here=/.millrace

mount_all() {
  mkdir -p /proc /sys /dev /tmp /run /etc
  mount -t proc proc /proc
  mount -t sysfs sys /sys
  mount -t devtmpfs dev /dev
  mkdir -p /dev/pts /dev/shm
  mount -t devpts devpts /dev/pts
  mount -t tmpfs tmpfs /dev/shm
  ln -s /proc/self/fd /dev/fd
  ln -s /proc/self/fd/0 /dev/stdin
  ln -s /proc/self/fd/1 /dev/stdout
  ln -s /proc/self/fd/2 /dev/stderr
  chmod 1777 /tmp /dev/shm
}

load_modules() {
  for file in /lib/modules/*.ko; do [ ! -f "$file" ] || insmod "$file"; done
  [ -d /sys/bus/virtio/drivers/virtio_console ] || modprobe -a virtio_mmio virtio_console virtio_net virtio_rng
}

start_network() {
  ip link set lo up
  ip link set eth0 up
  ip addr add 10.0.2.15/24 dev eth0
  ip route add default via 10.0.2.2
  echo 'nameserver 10.0.2.3' > /etc/resolv.conf
}

# Sets file to the device of the port with this name, which may be yet to come.
find_port() {
  tries=0
  until eval "[ -n \"\$port_$1\" ]"; do
    for entry in /sys/class/virtio-ports/*/name; do
      read -r name < "$entry" && eval "port_$name=/dev/${entry#/sys/class/virtio-ports/}"
    done 2>/dev/null
    tries=$((tries + 1))
    [ $tries -lt 600 ] || give_up "the guest has no port $1; its kernel needs virtio_mmio and virtio_console, or its initrd their modules"
    [ $tries -eq 1 ] || sleep 0.05
  done
  eval "file=\${port_$1%/name}"
}

give_up() {
  echo "millrace: $*" > /dev/console
  shut_down
}

shut_down() {
  # The kernel would say that it powers down, and the console is the command's standard error.
  echo 0 > /proc/sys/kernel/printk
  poweroff -f || echo o > /proc/sysrq-trigger
  while :; do sleep 1; done
}

kills_for_memory() { sed -n 's/^oom_kill //p' /proc/vmstat; }

# Kills every process but the first, those of the kernel, and the given ones.
kill_others() {
  for entry in /proc/[0-9]*; do
    other=${entry#/proc/}
    case " 1 $* " in *" $other "*) continue ;; esac
    kill -KILL "$other"
  done 2>/dev/null
}

# Starts this script anew with these words, and waits for nothing: setsid forks when it already leads.
detach() { setsid sh -c 'exec setsid "$@"' - sh "$here/init" "$@"; }

# Kills what is left of the session, as setsid has it, that process $1 began.
end_session() {
  for entry in /proc/[0-9]*/stat; do
    read -r line < "$entry" || continue
    other=${entry#/proc/}
    set -- "$1" ${line##*) }
    [ "$5" != "$1" ] || kill -KILL "${other%/stat}"
  done 2>/dev/null
}

# Sets pid to what a command that is being started writes into file $1.
find_pid() {
  until [ -s "$1" ]; do sleep 0.02; done
  read -r pid < "$1"
}

# Ends the session of the slot with this lock, which nobody hears any more: its command is hung up on, and its ports are free for the next one.
hang_up() {
  read -r server < "$1/server" || return
  script=$here/session.$server/script
  if [ -e "$script.begun" ]; then
    find_pid "$script.pid"
    kill -HUP "-$pid"
    detach reap "$pid"
  fi
  end_session "$server"
  rm -rf "$1" "$here/session.$server"
}

serve_session() {
  slot=$1 mark=$2 lock=$3 script=$here/session.$$/script
  mkdir -p "$here/session.$$"
  find_port "talk_$slot"
  exec 3<> "$file"
  # What comes before the answer belongs to a session that never began.
  echo "open $mark" >&3
  until [ "$word $given" = "begin $mark" ]; do read -r word given mode rows columns <&3 || return; done
  {
    echo 'echo $$ > "$0.pid"'
    while IFS= read -r line <&3 && [ "$line" != "$mark" ]; do printf '%s\n' "$line"; done
  } > "$script"
  # Held open: a terminal that nobody has open forgets its size.
  console=/dev/hvc$((slot - 1))
  [ "$mode" != tty ] || exec 4<> "$console"
  # Nobody is there any more when the talk ends.
  {
    while read -r word rows columns <&3; do [ "$word" != size ] || stty -F "$console" rows "$rows" cols "$columns"; done
    detach hang_up "$lock" $$ 3>&- 4>&-
  } 4>&- &
  listener=$!
  if [ "$mode" = tty ]; then
    stty -F "$console" sane rows "$rows" cols "$columns"
    echo ready >&3
    : > "$script.begun"
    setsid -c sh "$script" <&4 >&4 2>&4 3>&- 4>&-
    code=$?
  else
    mkfifo "$script.in" "$script.out" "$script.err"
    find_port "in_$slot" && cat "$file" > "$script.in" 3>&- &
    find_port "out_$slot" && { cat; printf %s "$mark"; } < "$script.out" > "$file" 3>&- &
    relays=$!
    find_port "err_$slot" && { cat; printf %s "$mark"; } < "$script.err" > "$file" 3>&- &
    relays="$relays $!"
    echo ready >&3
    : > "$script.begun"
    setsid sh "$script" < "$script.in" > "$script.out" 2> "$script.err" 3>&-
    code=$?
  fi
  find_pid "$script.pid"
  end_session "$pid"
  kill "$listener"
  for relay in $relays; do wait "$relay"; done
  # The end of its leader hung the terminal up: only who opens it anew is heard.
  [ "$mode" != tty ] || { exec 4>&- && printf %s "$mark" > "$console"; }
  echo "exit $code" >&3
}

obey() {
  while read -r word slot mark; do
    case $word in
      stop)
        find_pid "$here/pid"
        kill -TERM "-$pid"
        ;;
      session)
        echo "$mark" > "$here/newest.$slot"
        detach session "$slot" "$mark"
        ;;
    esac
  done
}

run_task() {
  # By way of pipes: a program may open /dev/stdout anew, which a port does not bear.
  mkfifo $here/output $here/errors
  find_port output && cat $here/output > "$file" &
  relays=$!
  find_port errors && cat $here/errors > "$file" &
  relays="$relays $!"
  kills_before=$(kills_for_memory)
  detach obey
  setsid sh -c 'echo $$ > /.millrace/pid; . /.millrace/orders; run_command' < /dev/null > $here/output 2> $here/errors
  code=$?
  kill_others $relays
  for relay in $relays; do wait "$relay"; done
  killed=0
  [ "$(kills_for_memory)" = "$kills_before" ] || killed=1
  outcome="exit $code $killed"
}

boot() {
  mount_all 2>/dev/null
  load_modules 2>/dev/null
  find_port orders
  cat "$file" > $here/orders
  . $here/orders
  hostname "$host_name" 2>/dev/null
  start_network 2>/dev/null
  if ! cd "$directory" 2>/dev/null; then
    outcome="failure StartFailed cannot enter the directory $directory"
  elif ! PATH=$search_path command -v "$program" > /dev/null; then
    outcome="failure CommandNotFound cannot run $program: the image has no such program"
  else
    run_task
  fi
  find_port report
  echo "$outcome" > "$file"
  shut_down
}

case $$ in 1) boot ;; esac
case $1 in
  obey)
    find_port control
    obey < "$file" 2>/dev/null
    ;;
  session)
    lock=$here/slot.$2
    until mkdir "$lock"; do
      # The node gives a slot to one after the other: whoever has it still is over, unless it came behind this one.
      read -r newest < "$here/newest.$2" && [ "$newest" = "$3" ] || exit
      hang_up "$lock"
      sleep 0.05
    done 2>/dev/null
    echo $$ > "$lock/server"
    (serve_session "$2" "$3" "$lock") 2>/dev/null
    rm -rf "$lock" "$here/session.$$"
    ;;
  hang_up)
    read -r server < "$2/server" && [ "$server" = "$3" ] && hang_up "$2"
    ;;
  reap)
    sleep 10
    end_session "$2"
    ;;
esac
