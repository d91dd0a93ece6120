#!/usr/bin/env python3
"""The workload: a campaign folder with a list of distinct recipients.

usage: workload.py FOLDER ROWS
       workload.py FOLDER --enclose      the same messages with an attachment of 100 KB and an inline image of 50 KB

The templates are those of benches/workload; {{name}} means the same to Handlebars and to Jinja2, so that every
program renders the same files. One name in ten or so is not ASCII, some hold characters that HTML escapes. No clock and
no unseeded randomness: the same arguments give the same files.
"""
import csv
import pathlib
import random
import shutil
import sys

FIRST = "Ana Bo Clara Dmitri Eva Farid Greta Hugo Inès José Kim Liam Mona Noor Olga Pia Quinn Rosa Sven Tara".split()
LAST = ["Adams", "Berg", "Costa", "Dahl", "Evans", "Fischer", "Garcia", "Holm", "Ito", "Jensen",
        "Keller", "Lopez", "Müller", "Novak", "O'Brien", "Patel", "Quist", "Rossi", "Smith & Sons", "Turner"]
COMPANIES = ["Acme", "Bluebird", "Cedar", "Delta Works", "Evergreen", "Foxglove", "Granite", "Harbour"]
CITIES = ["Austin", "Berlin", "Cork", "Dallas", "Espoo", "Faro", "Ghent", "Hull", "Ivrea", "Jena"]
PLANS = ["free", "basic", "team", "enterprise"]


def enclose(folder):
    """The image takes the place of the HTML's first words, the attachment that of no setting: both are all messages'."""
    dice = random.Random(1)
    (folder / "terms.pdf").write_bytes(b"%PDF-1.7\n" + dice.randbytes(100_000 - 9))
    (folder / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + dice.randbytes(50_000 - 8))
    html = folder / "message.html.hbs"
    text, found = html.read_text(encoding="utf-8"), "<h1 "
    assert text.count(found) == 1
    html.write_text(text.replace(found, f'<img src="logo.png" alt="Example News">{found}'), encoding="utf-8")
    settings = folder / "campaign.toml"
    text, found = settings.read_text(encoding="utf-8"), "subject = "
    assert text.count(found) == 1
    settings.write_text(text.replace(found, f'attachments = ["terms.pdf"]\n{found}'), encoding="utf-8")


def main():
    if sys.argv[2] == "--enclose":
        return enclose(pathlib.Path(sys.argv[1]))
    folder, rows = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for source in (pathlib.Path(__file__).parent / "workload").iterdir():
        shutil.copy(source, folder)
    dice = random.Random(rows)
    with open(folder / "list.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["email", "first_name", "last_name", "company", "city", "plan", "amount", "link"])
        for n in range(rows):
            out.writerow([
                f"user{n:07}@list{n % 997:03}.example", dice.choice(FIRST), dice.choice(LAST), dice.choice(COMPANIES),
                dice.choice(CITIES), dice.choice(PLANS), f"{dice.randrange(10, 9999)}.{dice.randrange(100):02}",
                f"https://news.example/u/{n:07}/{dice.getrandbits(128):032x}"])


main()
