#!/usr/bin/env python3
"""The workload: a campaign folder with a list of distinct recipients.

usage: workload.py FOLDER ROWS
       workload.py FOLDER --enclose      the same messages with an attachment of 100 KB and an inline image of 50 KB
       workload.py FOLDER ROWS --newsletter      campaigns/newsletter, with a longer list and the settings of workload/

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


def newsletter(folder, rows):
    """Its own readers over and over, each time at another address. Greetings with a comma are left out, for nodemailer's
    driver knows no quotes."""
    benches = pathlib.Path(__file__).parent
    example = benches.parent / "campaigns/newsletter"
    shutil.copytree(example, folder, ignore=shutil.ignore_patterns("runs", "sandbox"), dirs_exist_ok=True)
    # Each table stands once: what is under the workload's [delivery] goes to the top of the example's own.
    server = (benches / "workload/campaign.toml").read_text(encoding="utf-8").partition("[[server]]")[2]
    server, _, delivery = server.partition("[delivery]")
    settings = (example / "campaign.toml").read_text(encoding="utf-8")
    assert settings.count("\n[delivery]\n") == 1
    settings = settings.replace("\n[delivery]\n", f"\n[[server]]{server.rstrip()}\n\n[delivery]{delivery}")
    (folder / "campaign.toml").write_text(settings, encoding="utf-8")
    dice = random.Random(rows)
    with open(example / "recipients.csv", newline="", encoding="utf-8") as file:
        readers = [row for row in csv.DictReader(file) if "," not in row["greeting"] + row["city"]]
    with open(folder / "recipients.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, readers[0])
        out.writeheader()
        for n in range(rows):
            out.writerow(dice.choice(readers) | {"email": f"user{n:07}@list{n % 997:03}.example"})


def main():
    if sys.argv[2] == "--enclose":
        return enclose(pathlib.Path(sys.argv[1]))
    folder, rows = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    if sys.argv[3:] == ["--newsletter"]:
        return newsletter(folder, rows)
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
