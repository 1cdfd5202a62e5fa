"""Draw the pictures of these pages.

    python docs/pictures.py            # writes docs/_static/*.svg

What a picture shows of httsleep is made with httsleep: the waits are real ones, of a
service without a network, with a clock that only sleeps move.
"""

import io
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from http.client import responses
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import requests
from drawing import FOLDER, THEMES, WIDTH, both, box, circle, path, svg, text, write
from intervals import virtual_clock
from rich.console import Console
from rich.segment import Segment
from rich.terminal_theme import SVG_EXPORT_THEME

from httsleep import Attempt, GaveUp, HttSleeper, exponential
from httsleep.attempt import describe_attempt
from httsleep.status_line import StatusLine, draw

# Waits.

REFUSED = requests.exceptions.ConnectionError(ConnectionRefusedError())
UNAVAILABLE = (503, "text/html", b"<html><title>Service Unavailable</title></html>")
RUNNING = (200, "application/json", b'{"status": "RUNNING"}')
SUCCESS = (200, "application/json", b'{"status": "SUCCESS"}')


class Service(requests.Session):
    """A service that gives some answers, and repeats the last one."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers = list(answers)

    def request(self, *_: Any, **__: Any) -> requests.Response:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        response = requests.Response()
        response.status_code, kind, response._content = answer
        response.reason = responses[response.status_code]
        response.headers["Content-Type"] = kind
        return response


def wait(*answers: Any, **arguments: Any) -> list[Attempt]:
    """Return the attempts of a wait for the status SUCCESS."""
    attempts: list[Attempt] = []
    try:
        with virtual_clock(), Service(*answers) as service:
            HttSleeper(
                "http://server/jobs/1",
                jsonpath={"$.status": "SUCCESS"},
                ignore_exceptions=[ConnectionError],
                session=service,
                on_poll=attempts.append,
                **arguments,
            ).run()
    except GaveUp:
        pass
    return attempts


# One wait on a time line, which runs down the picture.

AXIS, TOP, SECOND = 62, 22, 38  # the units of the line, its first poll, and a second


def time_line() -> dict[Path, str]:
    """Draw a wait from its first poll to its last, and to its limit."""
    limit = 10
    attempts = wait(REFUSED, UNAVAILABLE, RUNNING, SUCCESS, max_time=limit)
    last, end = TOP + attempts[-1].elapsed * SECOND, TOP + limit * SECOND
    shapes = [
        path(f"M{AXIS} {TOP}V{last:.0f}", "grid line"),
        path(f"M{AXIS} {last:.0f}V{end}", "frame"),
    ]
    for attempt in attempts:
        shapes += poll(attempt)
    shapes += [
        text(AXIS + 16, end - 34, f"max_time={limit}", "code"),
        text(AXIS + 16, end - 16, "The wait would end here at the latest.", "note"),
        path(f"M{AXIS - 7} {end}H{WIDTH - 10}", "second line"),
        text(AXIS - 16, end + 5, f"{limit} s", "note end"),
    ]
    return both("time-line", "One wait on a time line", end + 14, shapes)


def poll(attempt: Attempt) -> Iterator[str]:
    """Draw a poll, what came of it, and the sleep after it."""
    y, right = TOP + attempt.elapsed * SECOND, AXIS + 16
    yield text(AXIS - 16, y + 5, f"{attempt.elapsed:.0f} s", "note end")
    yield circle(AXIS, y, 7, "second" if attempt.met else "first")
    came = f"poll {attempt.number}: {describe_attempt(attempt)}"
    yield text(right, y + 5, came, "strong")
    yield text(right, y + 23, ": ".join([attempt.outcome, *attempt.reasons]), "note")
    if attempt.next_wait is not None:
        asleep = attempt.next_wait * SECOND
        yield box(AXIS - 5, y + 12, 10, asleep - 24, "result")
        words = f"sleep of {attempt.next_wait:g} s: polling_interval"
        yield text(right, y + 48, words, "note second")


# The two moments for the last poll.


def last_poll() -> dict[Path, str]:
    """Draw the end of a wait: its last polls, the two moments and the limit."""
    line, end, polls = 46, 404, (16, 84, 152)
    shapes = [path(f"M{polls[0]} {line}H{end}", "grid line")]
    for x, following in pairwise(polls):
        shapes.append(box(x + 12, line - 5, following - x - 24, 10, "result"))
    shapes += [circle(x, line, 7, "first") for x in polls]
    shapes.append(text(polls[0] - 6, line - 22, "polls and sleeps", "note"))
    for x, name, room, depth in [
        (224, "first", "a slow poll has room", 76),
        (304, "second", "a fast poll", 36),
    ]:
        shapes.append(text(x, line - 22, name, "middle"))
        shapes.append(path(f"M{x} {line - 12}V{line + depth}", "first line"))
        shapes.append(path(f"M{x} {line + depth}H{end - 2}"))
        shapes.append(text(x + 6, line + depth - 8, room, "note"))
    shapes.append(text(end + 8, line - 22, "max_time", "code end"))
    shapes.append(path(f"M{end} {line - 12}V{line + 86}", "second line"))
    return both("last-poll", "The two moments for the last poll", line + 96, shapes)


# Growing intervals.

SHOWN = 120  # seconds
INTERVALS = ["2", "exponential(1, 1.1)", "exponential(1, maximum=30)"]


def growing_intervals() -> dict[Path, str]:
    """Draw the polls of some intervals, one interval below the other."""
    left, height, line = 12, 64, 46  # units: a row's edge, its height, its line
    scale = (WIDTH - 2 * left) / SHOWN
    shapes = []
    for row, written in enumerate(INTERVALS):
        interval = eval(written, {"exponential": exponential})
        attempts = wait(UNAVAILABLE, polling_interval=interval, max_retries=SHOWN)
        polls = [each.elapsed for each in attempts if each.elapsed <= SHOWN]
        y = row * height + line
        shapes.append(text(left, y - 24, f"polling_interval={written}", "code"))
        shapes.append(text(WIDTH - left, y - 24, f"{len(polls)} polls", "note end"))
        shapes.append(path(f"M{left} {y}H{WIDTH - left}", "grid"))
        ticks = "".join(f"M{left + each * scale:.1f} {y - 9}v18" for each in polls)
        shapes.append(path(ticks, "first line"))
    under = len(INTERVALS) * height + 26
    for seconds in (0, 30, 60, 90, SHOWN):
        x = left + seconds * scale
        anchor = {0: "", SHOWN: " end"}.get(seconds, " middle")
        shapes.append(text(x, under, f"{seconds} s", "note" + anchor))
    title = "The polls of the first two minutes, for three intervals"
    return both("growing-intervals", title, under + 12, shapes)


# The loop.

STEP, END = (36, 212), (298, 114)  # left edge and width
ROW, HIGH = 60, 44


def loop() -> dict[Path, str]:
    """Draw the parts of a run, one below the other, and how it ends."""
    steps = [
        "arguments\nchecked and copied once",
        "request\nrequest_timeout, max_time",
        "answer\nmax_body_size",
        "verdict\nalarms, until, pending",
        "on_poll(attempt)\ncalled after each poll",
        "sleep\npolling_interval, Retry-After",
    ]
    # The row of an end, its box, and the row of the step that it comes from.
    ends = [
        (0, "ValueError\nif refused", 0),
        (1, "its exception\nif not ignored", 1),
        (3, "Alarm\nan alarm is met", 4),
        (4, "Response\nuntil is met", 4),
        (5, "GaveUp\nlimit reached", 4),
        (6, "Cancelled\ncancel is set", 5),
    ]
    shapes = [box(6, ROW, 260, 5 * ROW, "frame")]
    for row, words in enumerate(steps):
        shapes += labelled(STEP, row, "box", words)
        if row:
            x, y = middle(STEP), edge(row)
            shapes.append(path(f"M{x} {y - ROW + HIGH}V{y - 2}"))
    for row, words, step in ends:
        shapes += labelled(END, row, "result", words)
        shapes.append(path(way(step, row)))
    shapes.append(path(f"M{STEP[0]} {center(5)}H20V{center(1)}H{STEP[0] - 2}"))
    return both("loop", "The loop of a run", edge(7) - 8, shapes)


def edge(row: int) -> int:
    """Return where the upper edge of the boxes of a row lies."""
    return 8 + row * ROW


def center(row: int) -> int:
    """Return where the center of the boxes of a row lies."""
    return edge(row) + HIGH // 2


def middle(column: tuple[int, int]) -> int:
    """Return where the middle of the boxes of a column lies."""
    return column[0] + column[1] // 2


def labelled(column: tuple[int, int], row: int, kind: str, words: str) -> list[str]:
    """Return a box with a name in it, and a note below the name if there is one."""
    name, _, note = words.partition("\n")
    x, y = middle(column), edge(row)
    shapes = [
        box(column[0], y, column[1], HIGH, kind),
        text(x, y + (19 if note else 27), name, "middle"),
    ]
    return [*shapes, text(x, y + 36, note, "note middle")] if note else shapes


def way(step: int, row: int) -> str:
    """Return the way from a step to an end."""
    left, right = sum(STEP), END[0] - 2
    start, stop = center(step), center(row)
    start += 10 * (row > step) - 10 * (row < step)
    half = (left + right) // 2
    return f"M{left} {start}C{half} {start} {half} {stop} {right} {stop}"


# Two choices.

QUESTION, ANSWER = (10, 184), (222, 188)


def conditions() -> dict[Path, str]:
    """Draw which key of a condition fits what one waits for."""
    keys = {
        "a status": "status_code\n200",
        "a header": "headers\n{'X-Version': '2'}",
        "one value in JSON": "jsonpath\n{'$.status': 'DONE'}",
        "some keys of JSON": "json_contains\n{'status': 'DONE'}",
        "the whole JSON": "json\n{'status': 'DONE'}",
        "text": "text\nre.compile('ready')",
        "anything else": "callback\na function",
        "the same several times\nin a row": "consecutive\n3, beside other keys",
    }
    shapes = choices("You wait for", "Key and value", keys)
    return both("conditions", "Which condition do I take?", edge(8) + 16, shapes)


def exceptions() -> dict[Path, str]:
    """Draw which exception is raised for which end of a wait."""
    own = {
        "an answer met an alarm": "Alarm",
        "an answer met nothing\nof pending": "UnexpectedResponse\nan Alarm, too",
        "a limit was reached": "GaveUp\na TimeoutError, too",
        "cancel was set": "Cancelled",
        "a body was too large": "BodyTooLarge\na RequestException, too",
    }
    others = {
        "a request failed\nnot ignored": "RequestException\nof requests.exceptions",
        "an argument is wrong\nnothing was sent": "ValueError",
        "your function raised\ncallback, on_poll": "the same exception",
    }
    shapes = choices("The wait ended, as", "HttSleepError", own | others)
    shapes.append(box(ANSWER[0] - 8, 4, ANSWER[1] + 16, edge(5) + 10, "frame"))
    return both("exceptions", "Which exception do I catch?", edge(8) + 16, shapes)


def choices(left: str, right: str, answers: dict[str, str]) -> list[str]:
    """Return two columns with their heads, and what leads from one to the other."""
    shapes = [
        text(middle(QUESTION), 20, left, "middle strong"),
        text(middle(ANSWER), 20, right, "middle strong"),
        '<g transform="translate(0 24)">',
    ]
    for row, (question, answer) in enumerate(answers.items()):
        shapes += labelled(QUESTION, row, "box", question)
        shapes.append(path(f"M{sum(QUESTION)} {center(row)}H{ANSWER[0] - 2}"))
        shapes += labelled(ANSWER, row, "result", answer)
    return [*shapes, "</g>"]


# The requests of a submit.


def submit() -> dict[Path, str]:
    """Draw which request carries what, and to whom."""
    left, right = (10, 84), (314, 96)  # left edge and width
    there = f"M{sum(left)} {{}}H{right[0] - 2}"
    back = f"M{right[0]} {{}}H{sum(left) + 2}"
    home = "headers (not those of the body),\nauth, cookies, session"
    other = "nothing of yours: no header, auth,\ncookie, netrc, session, certificate"
    shapes = [
        box(left[0], 12, left[1], 348),
        text(middle(left), 190, "httsleep", "middle"),
        box(right[0], 12, right[1], 224),
        *column_of(middle(right), 110, "home\nthe origin of\nyour request"),
        box(right[0], 258, right[1], 102, "frame"),
        *column_of(middle(right), 300, "elsewhere\nany other\norigin"),
    ]
    for y, arrow, words in [
        (43, there, "1. POST, once\nheaders, auth, cookies,\nsession, params, body"),
        (121, back, "2. 202 names a URL"),
        (173, there, f"3. GET, if the URL is here\n{home}"),
        (295, there, f"3. GET, if the URL is there\n{other}"),
    ]:
        shapes.append(path(arrow.format(y)))
        shapes += column_of((sum(left) + right[0]) / 2, y - 9, words, gap=26)
    return both("submit-and-poll", "Where the parts of a request go", 372, shapes)


def column_of(x: float, y: float, words: str, gap: int = 20) -> list[str]:
    """Return a strong line, and notes below it after a gap."""
    strong, *notes = words.split("\n")
    shapes = [text(x, y, strong, "strong middle")]
    for line, note in enumerate(notes):
        shapes.append(text(x, y + gap + 16 * line, note, "note middle"))
    return shapes


# The status line.

COMMAND = [
    "httsleep http://server/jobs/1",
    "--jsonpath '$.status=SUCCESS' --max-time 10m",
]
TERMINAL = replace(THEMES["dark"], paper="#1b1e23")


def status_lines() -> dict[Path, str]:
    """Draw the status line in a wide terminal and in a narrow one."""
    wide = [f"$ {' '.join(COMMAND)}"]
    narrow = [f"$ {COMMAND[0]} \\", f"    {COMMAND[1]}"]
    return {
        FOLDER / "status-line-wide.svg": terminal(wide, 80),
        FOLDER / "status-line-narrow.svg": terminal(narrow, 50),
    }


def terminal(typed: list[str], columns: int) -> str:
    """Return a terminal of some columns in which the command waits."""
    left, column, row = 14, 7.5, 22  # units
    ys = [row * number + 6 for number in range(1, len(typed) + 2)]
    shapes = [text(left, y, line, "code") for y, line in zip(ys, typed, strict=False)]
    done = 0
    for words, color in line_of(columns):
        place = f'x="{left + done * column:.5g}" y="{ys[-1]}" style="fill:{color}"'
        length = f'textLength="{len(words) * column:.5g}"'
        shapes.append(f'<text class="code" {place} {length}>{escape(words)}</text>')
        done += len(words)
    width = round(columns * column) + 2 * left
    return svg("The status line of a wait", ys[-1] + 16, shapes, TERMINAL, width)


def line_of(columns: int) -> Iterator[tuple[str, str]]:
    """Return the parts of the status line, each with its color."""
    # The last but one poll of a wait for a job that goes on running.
    attempt = wait(UNAVAILABLE, RUNNING, max_retries=49)[-2]
    with patch("httsleep.status_line.monotonic", return_value=0) as clock:
        line = StatusLine(max_time=600)
        clock.return_value = attempt.elapsed
        line(attempt)
        console = Console(file=io.StringIO(), color_system="truecolor", width=columns)
        (segments,) = console.render_lines(draw([line], columns), pad=False)
    spinner, *others = segments
    yield "\u280b", color_of(spinner)  # as the spinner is at first
    for each in others:
        yield each.text, color_of(each)


def color_of(segment: Segment) -> str:
    """Return the color of a part of a line."""
    style = segment.style
    if style is None or style.color is None or style.color.is_default:
        return TERMINAL.note if style and style.dim else TERMINAL.ink
    return style.color.get_truecolor(SVG_EXPORT_THEME).hex


def pictures() -> dict[Path, str]:
    """Return all pictures by the files that they belong in."""
    drawn = [
        *(status_lines(), time_line(), last_poll(), growing_intervals(), loop()),
        *(conditions(), exceptions(), submit()),
    ]
    return {file: picture for each in drawn for file, picture in each.items()}


if __name__ == "__main__":
    write(pictures())
