#!/usr/bin/env python3
"""What the peers send in place of a campaign: the same texts and images, which none of them lays out from MJML.

usage: letter.py CAMPAIGN FOLDER MAILRUN      CAMPAIGN is as workload.py --newsletter writes it

mailrun makes one message to a row whose cells are their own tags, such as {{first_name}}, and what it says is the template
in FOLDER: message.html.hbs, message.txt.hbs, and inline/, PNG images named by Content-ID. Where a helper would look at
a cell, list.csv has what the helper makes of it: the peers are spared that work. The first row, filled in, is held against
mailrun's own message to it.
"""
import csv
import datetime
import email
import email.policy
import html
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SEND_ID = "abcdefghijklmnopqrstuvwxyz"
TAGS = ["email", "first_name", "language", "greeting", "city", "send_id", "since", "visited", "kettle"]


def message(campaign, mailrun, rows):
    """What mailrun makes of the first of these rows: text, HTML, images, and the identifier in its links."""
    with tempfile.TemporaryDirectory() as folder:
        copy, made = pathlib.Path(folder, "campaign"), pathlib.Path(folder, "eml")
        shutil.copytree(campaign, copy, ignore=shutil.ignore_patterns("runs"))
        with open(copy / "recipients.csv", "w", newline="", encoding="utf-8") as file:
            out = csv.DictWriter(file, rows[0])
            out.writeheader()
            out.writerows(rows[:1])
        subprocess.run([mailrun, "send", copy, "--dry-run", made, "--quiet"], check=True)
        (path,) = made.iterdir()
        parts = list(email.message_from_bytes(path.read_bytes(), policy=email.policy.default).walk())
    body = {part.get_content_subtype(): part.get_content() for part in parts if part.get_content_maintype() == "text"}
    images = {part["Content-ID"].strip("<>"): part.get_content() for part in parts if part.get_content_type() == "image/png"}
    assert images and all(body["html"].count(f"cid:{name}") == 1 for name in images)
    return body["plain"], body["html"], images, re.search(r"/leave/([a-z0-9]{26})\b", body["plain"])[1]


def template(text, send_id):
    """The helpers' work taken out: what they make of these cells stands in the peers' list."""
    text, found = re.subn(r"The visitors’ book has 99991 visits of yours, and the kettle\s+remembers\.",
                          "{{visited}}, and {{kettle}}.", text)
    assert found == 1
    for made, tag in [(send_id, "{{send_id}}"), ("January 1901", "{{since}}"), ("user@tags.example", "{{email}}")]:
        assert text.count(made) == 1, made
        text = text.replace(made, tag)
    assert not re.search(r"\{[%#]|\{\{\W", text)  # Jinja's alone, or Handlebars'
    return text


def cells(row):
    """A row as the peers have it. The two sentences about visits share their comma, which would want quotes."""
    visits, since = int(row["visits"]), datetime.date.fromisoformat(row["member_since"])
    return {tag: row.get(tag) for tag in TAGS} | {
        "city": row["city"] or "your roof", "send_id": SEND_ID, "since": f"{since:%B %Y}",
        "visited": f"The visitors’ book has {visits} visit{'s' * (visits != 1)} of yours" if visits else
                   "Your first visit is still to come: ring the bell twice",
        "kettle": "the kettle remembers" if visits else "we will put the kettle on"}


def main():
    campaign, folder, mailrun = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    with open(campaign / "recipients.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    tags = {name: f"{{{{{name}}}}}" for name in rows[0]}
    tags |= {"email": "user@tags.example", "member_since": "1901-01-01", "visits": "99991"}
    text, page, images, send_id = message(campaign, mailrun, [tags])
    text, page = template(text, send_id), template(page, send_id)
    assert set(re.findall(r"\{\{(\w+)\}\}", page)) == set(TAGS), page

    said, shown, _, send_id = message(campaign, mailrun, rows)
    filled = cells(rows[0]) | {"send_id": send_id}
    for ours, theirs in [(said, text), (html.unescape(shown), html.unescape(page))]:
        theirs = re.sub(r"\{\{(\w+)\}\}", lambda tag: filled[tag[1]], theirs)
        assert ours.split() == theirs.split(), "the peers' message says something else"

    shutil.rmtree(folder, ignore_errors=True)
    (folder / "inline").mkdir(parents=True)
    for name, image in images.items():
        (folder / "inline" / name).write_bytes(image)
    (folder / "message.txt.hbs").write_text(text, encoding="utf-8")
    (folder / "message.html.hbs").write_text(page, encoding="utf-8")
    with open(folder / "list.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, TAGS, lineterminator="\n")
        out.writeheader()
        for n, row in enumerate(rows):
            out.writerow(cells(row) | {"send_id": f"{n:07}{SEND_ID[7:]}"})


main()
