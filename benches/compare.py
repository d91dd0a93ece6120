#!/usr/bin/env python3
"""Whole programs in turn, A B C A B C ...: medians, and ratios taken round by round.

usage: compare.py measure OUT.json [options] NAME=COUNT=COMMAND...
       compare.py verdict FOLDER

COUNT is how many messages COMMAND sends; `{n}` in COMMAND becomes a number of its own for each time that it runs. The
first program is the one whose ratios to all others are given. CPU is user and system time of the program and what it
waited for; peak memory is GNU time's, which starts each program from an image smaller than any of them; the receiver's
CPU is read from /proc before and after.

`verdict` reads what `measure` left in FOLDER, and holds it against the targets.
"""
import argparse
import glob
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")


def receiver_cpu(pids):
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def counted(log):
    """Messages that the receiver has counted, or None where none was told to."""
    if not log:
        return None
    lines = [line for line in pathlib.Path(log).read_text().splitlines() if line.startswith("messages ")]
    return int(lines[-1].split()[1]) if lines else 0


def once(command, count, options):
    for path in glob.glob(options.remove) if options.remove else []:
        os.unlink(path)
    os.sync()  # nobody pays for what another left to be written
    before = counted(options.receiver_log)
    with tempfile.NamedTemporaryFile("r") as memory:
        line = options.prefix + ["/usr/bin/time", "-q", "-f", "%M", "-o", memory.name] + command
        cpu, begun = receiver_cpu(options.receiver), time.monotonic()
        child = subprocess.Popen(["timeout", "-k", "5", str(options.limit)] + line, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        result = dict(wall=wall, rate=count / wall, user=usage.ru_utime / count * 1e6, sys=usage.ru_stime / count * 1e6,
                      receiver=(receiver_cpu(options.receiver) - cpu) / count * 1e6)
        result["cpu"] = result["user"] + result["sys"]
        if child.returncode != 0:
            sys.exit(f"{shlex.join(command)}: status {child.returncode}: {said.decode(errors='replace')[-500:]}")
        result["rss"] = int(memory.read().split()[-1]) / 1024
    if before is not None:
        until = time.monotonic() + 5
        while counted(options.receiver_log) != before + count:
            if time.monotonic() > until:
                got = counted(options.receiver_log) - before
                sys.exit(f"{shlex.join(command)}: the receiver counted {got} messages, not {count}")
            time.sleep(0.02)
    if options.round_trip:
        result["trips"] = wall * options.connections / (options.round_trip * count)
    return result


def measure(arguments):
    parser = argparse.ArgumentParser(prog="compare.py measure")
    parser.add_argument("out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--limit", type=int, default=300, help="seconds that one program may take")
    parser.add_argument("--prefix", type=shlex.split, default=[], help="words before each command")
    parser.add_argument("--receiver", type=int, action="append", default=[], help="process id")
    parser.add_argument("--receiver-log", help="where a counting sink says how many messages it had")
    parser.add_argument("--remove", help="files removed before each run: a glob")
    parser.add_argument("--round-trip", type=float, help="in seconds")
    parser.add_argument("--connections", type=int)
    parser.add_argument("spec", nargs="+")
    options = parser.parse_args(arguments)
    programs = []
    for spec in options.spec:
        name, count, command = spec.split("=", 2)
        programs.append((name, int(count), shlex.split(command)))
    runs = {name: [] for name, _, _ in programs}
    for turn in range(-options.warmup, options.rounds):
        for name, count, command in programs:
            command = [word.replace("{n}", str(turn + options.warmup)) for word in command]
            time.sleep(float(os.environ.get("REST", 0)))
            result = once(command, count, options)
            if turn >= 0:
                runs[name].append(result)
    first = programs[0][0]
    middle = lambda name, what: statistics.median(run[what] for run in runs[name])
    ratio = lambda name, what: statistics.median(a[what] / b[what] for a, b in zip(runs[first], runs[name]))
    more = lambda name, what: statistics.median(a[what] - b[what] for a, b in zip(runs[first], runs[name]))
    report = {}
    print(f"{'':24} {'messages':>8} {'per s':>8} {'(from - to)':>17} {'CPU µs':>8} {'user':>8} {'system':>8} "
          f"{'receiver':>8} {'MiB':>7} {'x rate':>8} {'x CPU':>7}" + ("  round trips" if options.round_trip else ""))
    for name, count, _ in programs:
        rates = [run["rate"] for run in runs[name]]
        row = {what: middle(name, what) for what in runs[name][0]}
        row |= dict(count=count, rate_x=ratio(name, "rate"), cpu_x=ratio(name, "cpu"), cpu_more=more(name, "cpu"),
                    user_x=ratio(name, "user"), runs=runs[name])
        report[name] = row
        print(f"{name:24} {count:8} {row['rate']:8.0f} {f'{min(rates):.0f} - {max(rates):.0f}':>17} {row['cpu']:8.1f} "
              f"{row['user']:8.1f} {row['sys']:8.1f} {row['receiver']:8.1f} {row['rss']:7.1f} {row['rate_x']:8.2f} "
              f"{row['cpu_x']:7.2f}" + (f"  {row['trips']:11.3f}" if options.round_trip else ""))
    pathlib.Path(options.out).write_text(json.dumps(report, indent=1))


# What is shown, the file it is in, how it is read, and what it should be.
RATE, CPU, USER = "rate_x", "cpu_x", "user_x"
MILLION = 32 + 16 * 1_000_000 / 2**20  # MiB: 16 bytes a recipient
TARGETS = [
    ("loopback, 1 connection: messages/s against smtp-source", "loopback1", "smtp-source", RATE, 2.5),
    ("loopback, 10 connections: messages/s against smtp-source", "loopback10", "smtp-source", RATE, 1.5),
    ("loopback, 10 connections: CPU a message against smtp-source", "loopback10", "smtp-source", CPU, -1.0),
    ("loopback, 10 connections: messages/s against nodemailer's pool", "loopback10", "nodemailer", RATE, 20),
    ("loopback, 10 connections: messages/s against smtplib with Jinja2", "loopback10", "smtplib+jinja2", RATE, 60),
    ("loopback, 10 connections: messages/s against a lettre pool", "loopback10", "lettre pool", RATE, 90),
    ("loopback, 10 connections: messages/s by TLS against no TLS", "tls", "no TLS", RATE, 0.7),
    ("80 ms, 10 connections, PIPELINING only: round trips a message", "pipelining", "mailrun", "trips", -1.1),
    ("80 ms, 10 connections, CHUNKING, window 8: round trips a message", "chunking", "mailrun", "trips", -0.25),
    ("80 ms, PIPELINING only: messages/s against nodemailer", "pipelining", "nodemailer", RATE, 2.3),
    ("80 ms, CHUNKING: messages/s against nodemailer", "chunking", "nodemailer", RATE, 9),
    ("loopback, 10 connections, ledger: messages/s at \"power\" against \"process\"", "ledger", "process", RATE, 0.9),
    ("loopback, 10 connections, ledger: CPU a message more, in us", "ledger", "process", "cpu_more", -3),
    ("loopback, 10 connections, one RSA-2048 signature: messages/s", "dkim", "RSA-2048", "rate", 4500),
    ("the same made and signed on two cores, not sent: messages/s against one core", "signing", "one core", RATE, 1.7),
    ("a 100 KB attachment and a 50 KB inline image: user CPU a message", "attachments1", "without", USER, -1.5),
    ("the same over 10 connections", "attachments10", "without", USER, -1.5),
    ("a CSV of 1,000,000 rows alone: rows/s", "lists", "list alone", "rate", 150_000),
    ("a CSV of 1,000,000 rows, every message made: messages/s", "lists", "every message", "rate", 40_000),
    ("peak memory in MiB, that list alone", "lists", "list alone", "rss", -MILLION),
    ("peak memory in MiB, that list, every message made", "lists", "every message", "rss", -MILLION),
    ("an .xlsx of 100,000 rows alone: seconds", "workbook", "workbook alone", "wall", -10),
    ("an .xlsx of 100,000 rows, every message made: peak memory in MiB", "workbook", "every message", "rss", -512),
    ("peak memory in MiB, 20,000 recipients", "memory", "20,000", "rss", -32),
    ("peak memory in MiB, 1,000,000 recipients", "memory", "1,000,000", "rss", -MILLION),
]
# The table of the workload of 4 KB, held against a newsletter of 57 KB.
TARGETS += [(f"newsletter, {title}", f"newsletter-{file}", name, what, target) for title, file, name, what, target in TARGETS
            if file in ("loopback1", "loopback10", "pipelining", "chunking", "memory")]
TARGETS += [(f"newsletter, {title}, the receiver with room for more", "newsletter-roomy", name, what, target)
            for title, file, name, what, target in TARGETS if file == "loopback10"]


def shown(number):
    return f"{number:,.0f}" if number >= 1000 else f"{number:.4g}"


def verdict(folder):
    """A target below zero is a most, one above it a least."""
    print("| same work | target | measured | |\n| --- | --- | --- | --- |")
    for title, file, name, what, target in TARGETS:
        path = pathlib.Path(folder, f"{file}.json")
        bound = f"at most {shown(-target)}" if target < 0 else f"at least {shown(target)}"
        if what in (RATE, CPU, USER):
            bound += " times"
        if not path.exists():
            print(f"| {title} | {bound} | not measured | |")
            continue
        value = json.loads(path.read_text())[name][what]
        met = value <= -target if target < 0 else value >= target
        print(f"| {title} | {bound} | {shown(value)} | {'met' if met else '**not met**'} |")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["measure", *arguments]:
            measure(arguments)
        case ["verdict", folder]:
            verdict(folder)
        case _:
            sys.exit(__doc__)
