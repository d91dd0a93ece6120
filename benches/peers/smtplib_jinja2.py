#!/usr/bin/env python3
"""smtplib and Jinja2, a thread for each connection. usage: smtplib_jinja2.py CAMPAIGN HOST:PORT CONNECTIONS COUNT

The files in CAMPAIGN/inline, where there are any, are PNG images, named by their Content-IDs.
"""
import csv
import itertools
import os
import pathlib
import smtplib
import sys
import threading
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from jinja2 import Environment, FileSystemLoader, StrictUndefined

folder, server, connections, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
host, port = server.rsplit(":", 1)
templates = Environment(loader=FileSystemLoader(folder), undefined=StrictUndefined,
                        autoescape=lambda name: name.endswith(".html.hbs"), keep_trailing_newline=True)
text, html = templates.get_template("message.txt.hbs"), templates.get_template("message.html.hbs")
images = [(f"<{path.name}>", path.read_bytes()) for path in pathlib.Path(folder).glob("inline/*")]
lock = threading.Lock()
rows = itertools.islice(csv.DictReader(open(f"{folder}/list.csv", newline="", encoding="utf-8")), count)


def take():
    with lock:
        return next(rows, None)


def build(row):
    message = EmailMessage()
    message["From"] = "Example News <news@sender.example>"
    message["To"] = row["email"]
    message["Subject"] = f"Your statement, {row['first_name']}"
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="sender.example")
    message.set_content(text.render(row))
    message.add_alternative(html.render(row), subtype="html")
    for cid, image in images:
        message.get_payload()[1].add_related(image, "image", "png", cid=cid)
    return message


def work():
    try:
        with smtplib.SMTP(host, int(port), local_hostname="client.example") as session:
            while (row := take()) is not None:
                session.send_message(build(row))
    except Exception as error:  # half a run is no measurement
        print(error, file=sys.stderr)
        os._exit(1)


threads = [threading.Thread(target=work) for _ in range(connections)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
