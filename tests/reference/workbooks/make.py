"""errors.xls: made-up firms in an old workbook that has a hidden first sheet and errors, by xlwt 1.3.0.

xlwt never calculates; the stored result of the formula is set to the code of #DIV/0! afterwards.
"""

from __future__ import annotations

from pathlib import Path

import xlwt

book = xlwt.Workbook()
hidden = book.add_sheet("Lists")
hidden.visibility = 1
for place, value in enumerate(["id", "year", "workers", "town"]):
    hidden.write(0, place, value)
for place, value in enumerate([9, 2019, 9, "Lista"]):
    hidden.write(1, place, value)
sheet = book.add_sheet("Datos del año")
rows = [
    ["id", "year", "workers", "town"],
    [1, 2019, 5, "Quito"],
    [2, 2019, None, "Loja"],
    [3, 2019, None, "Ibarra"],
]
for number, row in enumerate(rows):
    for place, value in enumerate(row):
        if value is not None:
            sheet.write(number, place, value)
sheet.row(2).set_cell_error(2, 42)  # 42 is #N/A
sheet.write(3, 2, xlwt.Formula("1/0"))
path = Path(__file__).parent / "errors.xls"
book.save(str(path))
content = path.read_bytes()
cell = b"\x03\x00\x02\x00"  # row 4, column C, as the record of its formula begins
at = content.index(cell, content.index(b"\x05\x02\x08\x00"))
assert content[at + 12 : at + 14] == b"\xff\xff"
path.write_bytes(content[: at + 6] + b"\x02\x00\x07\x00\x00\x00\xff\xff" + content[at + 14 :])
