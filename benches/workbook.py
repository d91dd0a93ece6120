#!/usr/bin/env python3
"""A CSV on standard input into a workbook as Excel writes one: texts once, in a table of their own, cells that point there.

usage: workbook.py OUT.xlsx < list.csv
"""
import csv
import io
import sys
import zipfile
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def relations(*targets):
    each = [f'<Relationship Id="r{n}" Type="{OFFICE}/{kind}" Target="{target}"/>' for n, (kind, target) in enumerate(targets)]
    return f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{"".join(each)}</Relationships>'


def main():
    texts = {}
    rows = io.StringIO()
    last = ""
    for number, fields in enumerate(csv.reader(io.TextIOWrapper(sys.stdin.buffer, "utf-8", newline="")), 1):
        cells = []
        for column, text in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", fields, strict=False):
            last = f"{column}{number}"
            if column == "G" and number > 1:  # the amount: a number
                cells.append(f'<c r="{last}"><v>{text}</v></c>')
            else:
                cells.append(f'<c r="{last}" t="s"><v>{texts.setdefault(text, len(texts))}</v></c>')
        rows.write(f'<row r="{number}">{"".join(cells)}</row>')
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", f'{HEAD}<Types xmlns="{PACKAGE}/content-types">'
                      '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                      f'<Override PartName="/xl/workbook.xml" ContentType="{types}.sheet.main+xml"/>'
                      f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{types}.worksheet+xml"/>'
                      f'<Override PartName="/xl/sharedStrings.xml" ContentType="{types}.sharedStrings+xml"/></Types>')
        book.writestr("_rels/.rels", relations(("officeDocument", "xl/workbook.xml")))
        book.writestr("xl/workbook.xml", f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
                      '<sheet name="List" sheetId="1" r:id="r0"/></sheets></workbook>')
        book.writestr("xl/_rels/workbook.xml.rels",
                      relations(("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "sharedStrings.xml")))
        book.writestr("xl/worksheets/sheet1.xml", f'{HEAD}<worksheet xmlns="{MAIN}"><dimension ref="A1:{last}"/>'
                      f'<sheetData>{rows.getvalue()}</sheetData></worksheet>')
        each = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in texts)
        book.writestr("xl/sharedStrings.xml", f'{HEAD}<sst xmlns="{MAIN}" uniqueCount="{len(texts)}">{each}</sst>')


main()
