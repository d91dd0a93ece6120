"""Reads .eml files as others would, and says what is in them, or what is wrong with them.

    check_messages.py FOLDER [RECORDS]

FOLDER has the messages, RECORDS a JSON object: the TXT record by its name, for every DKIM signature.
"""

import json
import re
import sys
from email import errors, message_from_bytes, message_from_string, policy
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
    head = raw.split(b"\r\n\r\n")[0]
    if head.isascii():
        message = message_from_bytes(raw, policy=policy.SMTP)
    else:  # By bytes this parser reads ASCII alone.
        message = message_from_string(raw.decode(), policy=policy.SMTPUTF8)
    cids, shown, names = [], set(), []
    for part in message.walk():
        assert not part.defects, f"{path}: {part.defects}"
        for name, value in part.items():
            # What RFC 6532 allows, this parser understands and calls a defect.
            defects = [it for it in value.defects if not isinstance(it, errors.NonASCIILocalPartDefect)]
            assert not defects, f"{path}: {name}: {defects}"
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
    # Addresses alone are ever written as they are (RFC 6532): what is beyond ASCII is of one, before its @.
    beyond = {}
    for name in ("From", "To", "Cc", "Reply-To", "Sender"):
        for value in message.get_all(name, []):
            found = [one.addr_spec for one in value.addresses if not one.username.isascii()]
            assert all(one.domain.isascii() for one in value.addresses), f"{path}: {name}: {value}"
            beyond.update({name: found} if found else {})
    rest = head
    for address in (one for found in beyond.values() for one in found):
        rest = rest.replace(address.encode(), b"")
    assert rest.isascii(), f"{path}: {rest}"
    told = [f"{name}={','.join(found)}" for name, found in beyond.items()]
    print(path.name, shape(message), names, len(signatures), "signatures", *told)
