#!/usr/bin/env python3
"""Joins two TUN devices: a packet that enters one leaves the other so many milliseconds later. No loss, no limit.

usage: delay.py DEVICE DEVICE ONE_WAY_MS
       delay.py probe HOST PORT               how long connecting takes: one round trip
       delay.py drain HOST PORT               takes what comes, until it is ended
       delay.py fill HOST PORT CONNECTIONS LENGTH      how much the line carries, in messages of LENGTH bytes

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
import threading
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


def drain(host, port):
    def take(connection):
        buffer = bytearray(2**18)
        while connection.recv_into(buffer):
            pass

    listener = socket.create_server((host, port), backlog=100)
    while True:
        threading.Thread(target=take, args=listener.accept()[:1], daemon=True).start()


def fill(host, port, connections, length, seconds=10):
    """Bytes alone, with no protocol: what is more than this, no sender can have. The first half is slow start's."""
    sent, ends = [0] * connections, time.monotonic() + seconds

    def give(at):
        with socket.create_connection((host, port)) as connection:
            while time.monotonic() < ends:
                connection.sendall(bytes(length))
                sent[at] += length

    threads = [threading.Thread(target=give, args=(at,)) for at in range(connections)]
    for thread in threads:
        thread.start()
    time.sleep(seconds / 2)
    before, begun = sum(sent), time.monotonic()
    for thread in threads:
        thread.join()
    rate = (sum(sent) - before) / (time.monotonic() - begun)
    print(f"the line carries {rate / 1e6:.1f} MB/s over {connections} connections: {rate / length:.0f} messages a second")


match sys.argv[1:]:
    case ["probe", host, port]:
        probe(host, int(port))
    case ["drain", host, port]:
        drain(host, int(port))
    case ["fill", host, port, connections, length]:
        fill(host, int(port), int(connections), int(length))
    case [left, right, one_way]:
        carry(device(left), device(right), float(one_way) / 1000)
    case _:
        sys.exit(__doc__)
