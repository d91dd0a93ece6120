"""Draws the report's charts and writes its workbook, from the figures in campaign.toml. Needs Python 3.11, nothing else.

    python3 make.py [FOLDER]        FOLDER: where to write; default: where this file is
"""

import sys
import tomllib
import zipfile
import zlib
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).parent
WIDTH, HEIGHT, FINE = 1080, 400, 2  # twice as large as shown; each pixel is drawn as FINE x FINE
PAPER, GRID, QUIET, INK, WARN = (255, 255, 255), (226, 232, 240), (190, 203, 218), (29, 86, 150), (200, 76, 42)


class Canvas:
    """Rectangles and lines, drawn finer than they are shown: that softens their edges."""

    def __init__(self):
        self.wide, self.high = WIDTH * FINE, HEIGHT * FINE
        self.rows = [bytearray(bytes(PAPER) * self.wide) for _ in range(self.high)]

    def box(self, left, top, right, bottom, colour):
        left, right = (max(0, min(self.wide, round(x * FINE))) for x in (left, right))
        for y in range(max(0, round(top * FINE)), min(self.high, round(bottom * FINE))):
            self.rows[y][left * 3 : right * 3] = bytes(colour) * (right - left)

    def disc(self, x, y, radius, colour):
        for step in range(-radius * FINE, radius * FINE + 1):
            half = ((radius * FINE) ** 2 - step**2) ** 0.5 / FINE
            self.box(x - half, y + step / FINE, x + half, y + (step + 1) / FINE, colour)

    def line(self, points, width, colour):
        for (x1, y1), (x2, y2) in zip(points, points[1:]):
            steps = int(max(abs(x2 - x1), abs(y2 - y1)))
            for step in range(steps + 1):
                part = step / max(steps, 1)
                self.disc(x1 + (x2 - x1) * part, y1 + (y2 - y1) * part, width, colour)

    def png(self):
        shown = bytearray()
        for top in range(0, self.high, FINE):
            shown.append(0)  # the row is stored as it is (PNG filter 0)
            lines = self.rows[top : top + FINE]
            for x in range(0, self.wide * 3, FINE * 3):
                for colour in range(3):
                    near = [line[x + colour + 3 * step] for line in lines for step in range(FINE)]
                    shown.append(sum(near) // len(near))
        head = WIDTH.to_bytes(4, "big") + HEIGHT.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
        chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(shown), 9)), (b"IEND", b"")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big") for kind, data in chunks
        )


def middle(day):
    """Where a day stands: the message has their names below, in seven cells of one width."""
    return WIDTH * (day + 0.5) / 7


def height(value, most):
    return HEIGHT - 8 - value / most * (HEIGHT - 40)


def grid(canvas, most):
    for part in range(5):
        y = height(most * part / 4, most)
        canvas.box(0, y - 1, WIDTH, y + 1, GRID)


def requests(figures):
    canvas, most = Canvas(), 6
    grid(canvas, most)
    for day, (now, before) in enumerate(zip(figures["now"], figures["before"])):
        canvas.box(middle(day) - 46, height(before, most), middle(day) - 3, HEIGHT - 8, QUIET)
        canvas.box(middle(day) + 3, height(now, most), middle(day) + 46, HEIGHT - 8, INK)
    return canvas.png()


def answers(figures):
    canvas, most, goal = Canvas(), 400, figures["goal"]
    grid(canvas, most)
    for x in range(0, WIDTH, 24):
        canvas.box(x, height(goal, most) - 2, x + 12, height(goal, most) + 2, WARN)
    points = [(middle(day), height(value, most)) for day, value in enumerate(figures["now"])]
    canvas.line(points, 3, INK)
    for (x, y), value in zip(points, figures["now"]):
        canvas.disc(x, y, 11, WARN if value > goal else INK)
        canvas.disc(x, y, 5, PAPER)
    return canvas.png()


def workbook(path, rows):
    """One sheet, in the smallest form that Office Open XML allows."""

    def cell(value):
        if isinstance(value, str):
            return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        return f"<c><v>{value}</v></c>"

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    sheet = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}">'
        '<sheets><sheet name="Services" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><cols><col min="1" max="5" width="16" customWidth="1"/></cols>'
        f"<sheetData>{sheet}</sheetData></worksheet>",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, text in parts.items():
            # A fixed date: the same figures give the same file.
            archive.writestr(zipfile.ZipInfo(name), '<?xml version="1.0" encoding="UTF-8"?>' + text)


figures = tomllib.loads((HERE / "campaign.toml").read_text("utf-8"))["vars"]
folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
(folder / "charts").mkdir(exist_ok=True)
(folder / "charts/requests.png").write_bytes(requests(figures["requests"]))
(folder / "charts/answers.png").write_bytes(answers(figures["answers"]))
columns = ["name", "promise", "availability", "answer"]
table = [["Service", "Promise, %", "Availability, %", "Answers, 95th percentile, ms"]]
table += [[service[column] for column in columns] for service in figures["services"]]
table += [[], ["Day", "Requests, millions", "The week before", "Answers, 95th percentile, ms"]]
table += zip(figures["days"], figures["requests"]["now"], figures["requests"]["before"], figures["answers"]["now"])
workbook(folder / "figures.xlsx", table)
