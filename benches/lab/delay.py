#!/usr/bin/env python3
"""Joins two TUN devices: a packet that enters one leaves the other so many milliseconds later. No loss, no limit.

usage: delay.py DEVICE DEVICE ONE_WAY_MS
       delay.py probe HOST PORT               how long connecting takes: one round trip

Below TCP, so that Nagle's algorithm, delayed acknowledgements and slow start behave as on a long line; a proxy that
delays a byte stream would hide all three. The devices go when this program does.
"""
import collections
import fcntl
import os
import select
import socket
import struct
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def device(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def carry(left, right, delay):
    ways = {left: (right, collections.deque()), right: (left, collections.deque())}
    while True:
        wait = None
        for out, waiting in ways.values():
            while waiting and waiting[0][0] <= time.monotonic():
                try:
                    os.write(out, waiting.popleft()[1])
                except OSError:
                    pass  # the device is down, or its queue full: a packet lost, as on any line
            if waiting:
                left_over = max(0.0, waiting[0][0] - time.monotonic())
                wait = left_over if wait is None else min(wait, left_over)
        for fd in select.select(list(ways), [], [], wait)[0]:
            try:
                for _ in range(64):
                    ways[fd][1].append((time.monotonic() + delay, os.read(fd, 65536)))
            except OSError:
                pass  # all read, or the device is down: not tried again before select says so


def probe(host, port):
    times = []
    for _ in range(5):
        begun = time.monotonic()
        socket.create_connection((host, port), timeout=10).close()
        times.append((time.monotonic() - begun) * 1000)
    print(f"round trip, by connecting 5 times: {min(times):.1f} to {max(times):.1f} ms")


if sys.argv[1] == "probe":
    probe(sys.argv[2], int(sys.argv[3]))
    sys.exit()
carry(device(sys.argv[1]), device(sys.argv[2]), float(sys.argv[3]) / 1000)
