"""Finds the conditions of a statement, and takes one of them out.

In our SQL files each conjunct of a WHERE or of an ON begins a line, behind its keyword; it ends
where the next line begins with a word of its own, or where the bracket around it closes.
"""

import re
from dataclasses import dataclass

_BEGIN = re.compile(r"^\s*(?:where|and|on)\s+", re.MULTILINE)

# `on conflict` begins no condition, and `between … and …` stands on one line.
_NO_CONDITION = re.compile(r"on conflict\b")


@dataclass(frozen=True, slots=True)
class Conjunct:
    """One condition, at its place in a text."""

    start: int
    end: int
    text: str

    def __str__(self) -> str:
        return " ".join(self.text.split())


def conjuncts(text: str) -> list[Conjunct]:
    """Every condition that begins a line, in order."""
    found = []
    for begin in _BEGIN.finditer(text):
        if not _NO_CONDITION.match(begin.group().strip() + " " + text[begin.end() :]):
            end = _end(text, begin.end())
            found.append(Conjunct(begin.end(), end, text[begin.end() : end]))
    return found


def without(text: str, conjunct: Conjunct) -> str:
    """The text with `true` in the place of a condition."""
    return f"{text[: conjunct.start]}true{text[conjunct.end :]}"


def _end(text: str, start: int) -> int:
    depth = 0
    for place in range(start, len(text)):
        character = text[place]
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        is_over = depth < 0 or (depth == 0 and character in "\n;")
        if is_over:
            return place
    return len(text)
