"""Curves as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from table import Row


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture of rows: which column is drawn over which, a line for each value of a third."""

    title: str
    x: str
    y: str
    line: str

    def draw(self, rows: Sequence[Row], path: Path) -> None:
        """Write the picture, on scales by powers of ten; text stays text."""
        import matplotlib as mpl  # noqa: PLC0415 - an extra, and slow

        mpl.use("svg")
        mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": self.title})
        from matplotlib import pyplot as plt  # noqa: PLC0415
        from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter  # noqa: PLC0415

        figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
        for name in dict.fromkeys(row[self.line] for row in rows):
            points = [(row[self.x], row[self.y]) for row in rows if row[self.line] == name]
            axes.loglog(*zip(*points, strict=True), marker="o", markersize=3.5, label=str(name))
        axes.set(title=self.title, xlabel=self.x, ylabel=self.y)
        axes.grid(visible=True, alpha=0.25)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
            axis.set_minor_locator(NullLocator())
        axes.legend(frameon=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
