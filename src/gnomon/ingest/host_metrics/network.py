"""Network interfaces, protocols, sockets and tracked connections, from /proc/net and /sys/class/net."""

import os
import re
from pathlib import Path

from gnomon.ingest.host_metrics.families import Family, gauge, read_number, read_text

_RECEIVED = ("bytes", "packets", "errs", "drop", "fifo", "frame", "compressed", "multicast")
_TRANSMITTED = ("bytes", "packets", "errs", "drop", "fifo", "colls", "carrier", "compressed")
_NETSTAT = re.compile(
    r".*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)"
    r"|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)"
    r"|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)"
    r"|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors)"
)
_SIX = re.compile(r"(Ip6|Icmp6|Udp6|UdpLite6)(\w+)")
_BYTES_PER_MEGABIT = 125_000


def collect_interfaces(proc: Path, sys: Path) -> list[Family]:
    """Return traffic and state of every interface."""
    families = [_traffic("receive", name) for name in _RECEIVED]
    families += [_traffic("transmit", name) for name in _TRANSMITTED]
    devices = []
    for line in read_text(proc / "net/dev").splitlines()[2:]:
        device, _, numbers = line.partition(":")
        devices.append(device.strip())
        for family, number in zip(families, numbers.split(), strict=False):
            family.add(int(number), devices[-1])
    return [*families, *_state(sys, devices)]


def collect_protocols(proc: Path) -> list[Family]:
    """Return counters of IP, ICMP, TCP and UDP."""
    values: dict[str, int] = {}
    for file in ("netstat", "snmp"):
        lines = read_text(proc / "net" / file).splitlines()
        for names, numbers in zip(lines[::2], lines[1::2], strict=False):
            protocol, _, rest = names.partition(": ")
            pairs = zip(rest.split(), numbers.partition(": ")[2].split(), strict=False)
            values.update({f"{protocol}_{name}": int(number) for name, number in pairs})
    for line in read_text(proc / "net/snmp6").splitlines():
        name, number = line.split()
        if (six := _SIX.fullmatch(name)) is not None:
            values[f"{six[1]}_{six[2]}"] = int(number)
    return [
        Family(f"node_netstat_{name}", "untyped", f"Statistic {name.replace('_', '')}.", (), [((), value)])
        for name, value in sorted(values.items())
        if _NETSTAT.fullmatch(name)
    ]


def collect_sockets(proc: Path) -> list[Family]:
    """Return how many sockets there are, by protocol and state."""
    families = []
    for file in ("sockstat", "sockstat6"):
        for line in read_text(proc / "net" / file).splitlines():
            protocol, _, rest = line.partition(": ")
            fields = rest.split()
            for state, number in zip(fields[::2], fields[1::2], strict=False):
                text = f"Number of {protocol} sockets in state {state}."
                families.append(gauge(f"node_sockstat_{protocol}_{state}", text, int(number)))
                if state == "mem":
                    size = int(number) * os.sysconf("SC_PAGE_SIZE")
                    families.append(gauge(f"node_sockstat_{protocol}_mem_bytes", text, size))
    return families


def collect_tracked_connections(proc: Path) -> list[Family]:
    """Return how full the table of tracked connections is, where there is one."""
    families = []
    for name, file, text in (
        ("entries", "nf_conntrack_count", "Number of currently allocated flow entries for connection tracking."),
        ("entries_limit", "nf_conntrack_max", "Maximum size of connection tracking table."),
    ):
        value = read_number(proc / "sys/net/netfilter" / file)
        if value is not None:
            families.append(gauge(f"node_nf_conntrack_{name}", text, value))
    return families


def _traffic(direction: str, name: str) -> Family:
    text = f"Network device statistic {direction}_{name}."
    return Family(f"node_network_{direction}_{name}_total", "counter", text, ("device",))


def _state(sys: Path, devices: list[str]) -> list[Family]:
    up = Family("node_network_up", "gauge", "Value is 1 if operstate is 'up', 0 otherwise.", ("device",))
    named = Family(
        "node_network_info",
        "gauge",
        "Non-numeric data of /sys/class/net/<iface>, value is always 1.",
        ("device", "address", "broadcast", "duplex", "operstate", "adminstate", "ifalias"),
    )
    numbers = [
        (Family(f"node_network_{name}", "gauge", f"Network device property: {name}.", ("device",)), file, factor)
        for name, file, factor in (
            ("mtu_bytes", "mtu", 1),
            ("carrier", "carrier", 1),
            ("transmit_queue_length", "tx_queue_len", 1),
            ("speed_bytes", "speed", _BYTES_PER_MEGABIT),
        )
    ]
    for device in devices:
        folder = sys / "class/net" / device
        if not folder.is_dir():
            continue
        state = read_text(folder / "operstate")
        up.add(float(state == "up"), device)
        flags = read_text(folder / "flags")
        admin = "up" if flags and int(flags, 16) & 1 else "down"
        texts = [read_text(folder / file) for file in ("address", "broadcast", "duplex")]
        named.add(1, device, *texts, state, admin, read_text(folder / "ifalias"))
        for family, file, factor in numbers:
            value = read_number(folder / file)
            if value is not None:
                family.add(value * factor, device)
    return [up, named, *(family for family, _, _ in numbers)]
