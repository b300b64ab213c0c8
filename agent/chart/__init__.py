"""Charts: one series over time as a drawing of what was measured, the limit, when it may be reached, and when to act."""

from agent.chart._chart import Chart, ChartWords, Mark, Point
from agent.chart._draw import draw, style
from agent.chart._frame import MOST_POINTS, PLOT, round_times, thinned
from agent.chart._plain_words import PLAIN, PlainWords, describe

__all__ = [
    "MOST_POINTS",
    "PLAIN",
    "PLOT",
    "Chart",
    "ChartWords",
    "Mark",
    "PlainWords",
    "Point",
    "describe",
    "draw",
    "round_times",
    "style",
    "thinned",
]
