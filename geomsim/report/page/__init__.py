"""The report: one HTML file that opens from a disk, with maps, graphs, tables and text linked by one selection.

`contents` says what a report holds, `packing` turns it into compressed arrays, `scripts` joins the page's own modules,
`writing` makes the file. What the page does with it stands in ``assets``.
"""
