"""Reads .eml files as others would, and says what is in them, or what is wrong with them.

    check_messages.py FOLDER [RECORDS]

FOLDER has the messages, RECORDS a JSON object: the TXT record by its name, for every DKIM signature.
"""

import json
import re
import sys
from email import message_from_bytes, policy
from pathlib import Path

folder = Path(sys.argv[1])
records = json.loads(Path(sys.argv[2]).read_text()) if len(sys.argv) > 2 else {}


def txt(name, timeout=5):
    return records[name.decode().rstrip(".")].encode()


def shape(part):
    inner = part.get_payload() if part.is_multipart() else []
    return part.get_content_type() + (f"({', '.join(map(shape, inner))})" if inner else "")


for path in sorted(folder.glob("*.eml")):
    raw = path.read_bytes()
    assert raw.endswith(b"\r\n") and not re.search(rb"(?<!\r)\n|\r(?!\n)", raw), f"{path}: line ends"
    assert max(map(len, raw.split(b"\r\n"))) <= 998, f"{path}: a long line"
    message = message_from_bytes(raw, policy=policy.SMTP)
    cids, shown, names = [], set(), []
    for part in message.walk():
        assert not part.defects, f"{path}: {part.defects}"
        for name, value in part.items():
            assert not value.defects, f"{path}: {name}: {value.defects}"
        if part.get("Content-ID"):
            cids.append(part["Content-ID"].strip("<>"))
        if part.get_content_type() == "text/html":
            shown |= set(re.findall(r"cid:([^\"')>]+)", part.get_content()))
        if part.get_content_disposition() == "attachment":
            names.append(part.get_filename())
    assert len(cids) == len(set(cids)) and set(cids) == shown, f"{path}: {cids} {shown}"
    signatures = message.get_all("DKIM-Signature", [])
    if records:
        try:
            import dkim
        except ImportError:
            sys.exit("signatures are verified by dkimpy: tests/run installs it (Debian: python3-dkim, python3-nacl)")

        for index in range(len(signatures)):
            verifier = dkim.DKIM(raw)
            assert verifier.verify(idx=index, dnsfunc=txt), f"{path}: signature {index}"
    print(path.name, shape(message), names, len(signatures), "signatures")
