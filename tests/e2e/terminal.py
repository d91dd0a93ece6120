"""Runs a command on a terminal of its own, types answers, and says what came of it.

terminal.py [--type ANSWER --after TEXT]... -- COMMAND ARGUMENT...

Each ANSWER is typed, with a line feed, once TEXT has appeared after the answer before it. Prints one JSON object:
{"status": the exit status, "screen": everything that was written to the terminal}.
"""

import argparse
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

LONG = 120  # seconds; what takes longer hangs

parser = argparse.ArgumentParser()
parser.add_argument("--type", action="append", default=[])
parser.add_argument("--after", action="append", default=[])
parser.add_argument("command", nargs="+")
options = parser.parse_args()
answers = list(zip(options.type, options.after, strict=True))

child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    os.environ["TERM"] = "xterm"
    os.execv(options.command[0], options.command)

screen = b""
seen = 0
deadline = time.monotonic() + LONG
while True:
    if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        sys.exit(f"nothing more came in {LONG} seconds, after: {screen!r}")
    try:
        data = os.read(terminal, 4096)
    except OSError:  # Linux: the other end is closed
        data = b""
    if not data:
        break
    screen += data
    if answers:
        answer, text = answers[0]
        at = screen.find(text.encode(), seen)
        if at >= 0:
            seen = at + len(text)
            os.write(terminal, answer.encode() + b"\n")
            answers.pop(0)

_, status = os.waitpid(child, 0)
if answers:
    sys.exit(f"never asked {answers[0][1]!r}: {screen!r}")
print(json.dumps({"status": os.waitstatus_to_exitcode(status), "screen": screen.decode()}))
