"""Rows of figures, for people or for programs."""

import json
from collections.abc import Sequence

Cell = str | int | float | bool | None
Row = dict[str, Cell]


def table(rows: Sequence[Row]) -> str:
    """Return rows of the same columns as aligned text; numbers stand on the right."""
    columns = list(rows[0])
    lines = [columns, *([_text(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    right = [_is_number(rows, column) for column in columns]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def report(tables: dict[str, list[Row]], *, as_json: bool) -> None:
    """Print named tables, or all of them as one JSON object."""
    if as_json:
        print(json.dumps(tables, indent=2))
        return
    print("\n\n".join(f"{name}\n{table(rows)}" for name, rows in tables.items() if rows))


def _text(cell: Cell) -> str:
    match cell:
        case None:
            return "-"
        case bool():
            return "yes" if cell else "no"
        case float():
            return f"{cell:.2f}"
        case int():
            return f"{cell:,}"
        case _:
            return cell


def _is_number(rows: Sequence[Row], column: str) -> bool:
    return all(isinstance(row[column], int | float | None) for row in rows)
