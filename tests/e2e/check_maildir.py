"""Reads a Maildir as a mail reader would, and holds it against the list that it was sent to.

usage: check_maildir.py MAILDIR LIST.csv SUBJECT

SUBJECT is a pattern with the list's columns in braces. Prints how many messages were read; exits with status 1
and says what is wrong when anything is: a defect that Python's parser finds, a line too long, a line end that is
no CRLF, a recipient, name, subject or greeting that is not the list's, a Message-ID used twice.
"""

import csv
import email
import email.header
import email.policy
import email.utils
import pathlib
import sys

LONGEST_LINE = 998  # RFC 5322 section 2.1.1, without CRLF


def wire_address(address):
    """The address as SMTP carries it: the domain in A-labels."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.encode('idna').decode('ascii')}"


def line_problems(content):
    if not content.endswith(b"\r\n"):
        yield "does not end in CRLF"
    rest = content.replace(b"\r\n", b"")
    if b"\r" in rest or b"\n" in rest:
        yield "has a CR or LF that is not part of a CRLF"
    longest = max(len(line) for line in content.split(b"\r\n"))
    if longest > LONGEST_LINE:
        yield f"has a line of {longest} octets"
    if b"\0" in content:
        yield "has a NUL"


def defects(message):
    for part in message.walk():
        for defect in part.defects:
            yield f"part {part.get_content_type()}: {defect!r}"
    for part in message.walk():
        for name, value in part.items():
            for defect in value.defects:
                yield f"header {name}: {defect!r}"


def part_problems(message, row):
    for kind in ("plain", "html"):
        parts = [part for part in message.walk() if part.get_content_type() == f"text/{kind}"]
        if len(parts) != 1:
            yield f"has {len(parts)} parts of text/{kind}"
            continue
        text = parts[0].get_content(errors="strict")
        if row["greeting"] not in text:
            yield f"its text/{kind} part lacks the greeting {row['greeting']!r}"
        if "{{" in text or "\ufffd" in text:
            yield f"its text/{kind} part has a tag or a replacement character in it"


def display_name(content):
    """The name in To. Python before 3.12.9 and 3.13.2 shows the space between two encoded words of a name, which
    RFC 2047 section 6.2 says is none (gh-128110); its older decoder never did."""
    raw = email.message_from_bytes(content, policy=email.policy.compat32)["To"]
    name, _ = email.utils.parseaddr(raw.replace("\r\n", ""))
    return str(email.header.make_header(email.header.decode_header(name)))


def header_problems(message, content, row, subject):
    if message["Subject"] != subject.format(**row):
        yield f"its subject is {message['Subject']!r}, not {subject.format(**row)!r}"
    recipients = message["To"].addresses
    if len(recipients) != 1:
        yield f"To has {len(recipients)} addresses"
    elif display_name(content) != row["name"]:
        yield f"To names {display_name(content)!r}, not {row['name']!r}"
    for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version"):
        if len(message.get_all(name, [])) != 1:
            yield f"has {len(message.get_all(name, []))} fields {name}"
    for name in ("Cc", "Bcc"):
        if name in message:
            yield f"has a field {name}"
    if message["Date"].datetime is None:
        yield f"its Date is {message['Date']!r}"


def main(maildir, list_file, subject):
    with open(list_file, encoding="utf-8", newline="") as file:
        rows = {wire_address(row["email"]): row for row in csv.DictReader(file)}
    problems, seen, ids = [], set(), set()
    files = sorted(pathlib.Path(maildir, "new").iterdir())
    for file in files:
        content = file.read_bytes()
        message = email.message_from_bytes(content, policy=email.policy.SMTP)
        found = [*line_problems(content), *defects(message)]
        address = message["To"].addresses[0].addr_spec
        row = rows.get(address)
        if row is None:
            found.append(f"goes to {address}, who is not in the list")
        elif address in seen:
            found.append(f"is a second one to {address}")
        else:
            found += [*header_problems(message, content, row, subject), *part_problems(message, row)]
        if message["Message-ID"] in ids:
            found.append(f"has the Message-ID {message['Message-ID']} of another one")
        seen.add(address)
        ids.add(message["Message-ID"])
        problems += [f"{file.name} ({address}): {problem}" for problem in found]
    problems += [f"no message to {address}" for address in sorted(rows.keys() - seen)]
    for name in ("cur", "tmp"):
        if left := list(pathlib.Path(maildir, name).iterdir()):
            problems.append(f"{name} holds {len(left)} files")
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 1
    print(f"{len(files)} messages, {len(ids)} Message-IDs, {len(seen)} recipients")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
