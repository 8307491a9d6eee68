"""How many steps a backtracking engine takes for a pattern and a text: counted, not timed, so that every machine says the same.

A small engine of the kind that ``re`` is (the same order of tries, none of its short cuts), over the syntax tree that ``re`` itself parses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from re import _constants as sre
from re import _parser
from typing import Any

MOST_STEPS = 100_000
_Next = Callable[[int], bool]
_NAMED: dict[Any, Callable[[str], bool]] = {
    sre.CATEGORY_DIGIT: str.isdecimal, sre.CATEGORY_SPACE: str.isspace, sre.CATEGORY_WORD: lambda c: c.isalnum() or c == "_",
    sre.CATEGORY_NOT_DIGIT: lambda c: not c.isdecimal(), sre.CATEGORY_NOT_SPACE: lambda c: not c.isspace(),
    sre.CATEGORY_NOT_WORD: lambda c: not (c.isalnum() or c == "_")}


class TooManyStepsError(Exception):
    """More than :data:`MOST_STEPS`."""


def steps(pattern: re.Pattern[str], text: str, anchored: bool) -> int:
    """Steps to find a pattern everywhere in a text; ``anchored``: to compare it with the text as a whole.

    Raises:
        TooManyStepsError: there is no end in sight.
    """
    run = _Run(text, pattern.flags)
    tree = _parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags)
    ends: list[int] = []
    if anchored:
        run.try_(list(tree), 0, lambda end: end == len(text))
        return run.count
    at = 0
    while at <= len(text):
        there = run.try_(list(tree), at, lambda end: ends.append(end) is None)
        at = max(ends[-1], at + 1) if there else at + 1
    return run.count


class _Run:
    def __init__(self, text: str, flags: int) -> None:
        self.text, self.flags, self.count = text, flags, 0
        self.groups: dict[int, tuple[int, int]] = {}

    def try_(self, nodes: list[Any], at: int, then: _Next) -> bool:
        """Match nodes from a place on, then the rest."""
        self.count += 1
        if self.count > MOST_STEPS:
            raise TooManyStepsError
        if not nodes:
            return then(at)
        (kind, value), rest = nodes[0], nodes[1:]
        if kind in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
            return at < len(self.text) and self.takes(kind, value, self.text[at]) and self.try_(rest, at + 1, then)
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            return self.repeat(kind, value, rest, at, then)
        if kind is sre.SUBPATTERN:
            return self.try_(list(value[3]), at, lambda end: self.try_(rest, end, then))
        if kind is sre.BRANCH:
            return any(self.try_([*branch, *rest], at, then) for branch in value[1])
        if kind in (sre.ASSERT, sre.ASSERT_NOT):
            return self.looks(kind, value, at) and self.try_(rest, at, then)
        if kind is sre.ATOMIC_GROUP:
            ends: list[int] = []
            return self.try_(list(value), at, lambda end: ends.append(end) is None) and self.try_(rest, ends[-1], then)
        return self.stands(kind, value, at) and self.try_(rest, at, then)

    def repeat(self, kind: Any, value: Any, rest: list[Any], at: int, then: _Next) -> bool:
        low, high, body = value
        if len(body) == 1 and body[0][0] in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
            return self.run_of(kind, low, high, body[0], rest, at, then)

        def more(done: int, place: int) -> bool:
            def again(end: int) -> bool:
                return (end > place or done < low) and more(done + 1, end)

            if done < low:
                return self.try_(list(body), place, again)
            if kind is sre.MIN_REPEAT:
                return self.try_(rest, place, then) or (done < high and self.try_(list(body), place, again))
            return (done < high and self.try_(list(body), place, again)) or self.try_(rest, place, then)

        return more(0, at)

    def run_of(self, kind: Any, low: int, high: int, one: Any, rest: list[Any], at: int, then: _Next) -> bool:
        """A repeated character: as far as it goes, then back a step at a time."""
        if kind is sre.MIN_REPEAT:
            return self.lazily(low, high, one, rest, at, then)
        end = at
        while end < len(self.text) and end - at < high and self.takes(*one, self.text[end]):
            end += 1
            self.count += 1
        if end - at < low:
            return False
        places = [end] if kind is sre.POSSESSIVE_REPEAT else range(end, at + low - 1, -1)
        # The engine, too, looks for a character that has to follow before it goes into the rest.
        follows = rest[0] if rest and rest[0][0] is sre.LITERAL else None
        for place in places:
            self.count += 1
            if follows is not None and not (place < len(self.text) and self.takes(*follows, self.text[place])):
                continue
            if self.try_(rest, place, then):
                return True
        return False

    def lazily(self, low: int, high: int, one: Any, rest: list[Any], at: int, then: _Next) -> bool:
        place = at
        while True:
            self.count += 1
            if place - at >= low and self.try_(rest, place, then):
                return True
            if place - at >= high or place >= len(self.text) or not self.takes(*one, self.text[place]):
                return False
            place += 1

    def takes(self, kind: Any, value: Any, character: str) -> bool:
        if self.flags & re.IGNORECASE:
            return any(self._takes(kind, value, each) for each in {character, character.lower(), character.upper()} if len(each) == 1)
        return self._takes(kind, value, character)

    def _takes(self, kind: Any, value: Any, character: str) -> bool:
        if kind is sre.LITERAL:
            return ord(character) == value
        if kind is sre.NOT_LITERAL:
            return ord(character) != value
        if kind is sre.ANY:
            return character != "\n" or bool(self.flags & re.DOTALL)
        negated = value[0][0] is sre.NEGATE
        return any(self.member(each, character) for each in value[negated:]) != negated

    @staticmethod
    def member(each: Any, character: str) -> bool:
        kind, value = each
        if kind is sre.RANGE:
            return bool(value[0] <= ord(character) <= value[1])
        return _NAMED[value](character) if kind is sre.CATEGORY else ord(character) == value

    def looks(self, kind: Any, value: Any, at: int) -> bool:
        direction, body = value
        if direction > 0:
            found = self.try_(list(body), at, lambda _: True)
        else:
            width = body.getwidth()[0]
            found = at >= width and self.try_(list(body), at - width, lambda end: end == at)
        return found == (kind is sre.ASSERT)

    def stands(self, kind: Any, value: Any, at: int) -> bool:
        if kind is not sre.AT:
            return True  # a reference back to a group, taken for empty
        before, after = self.text[at - 1:at], self.text[at:at + 1]
        word = _NAMED[sre.CATEGORY_WORD]
        edge = (bool(before) and word(before)) != (bool(after) and word(after))
        many = bool(self.flags & re.MULTILINE)
        return {sre.AT_BEGINNING: not before or (many and before == "\n"), sre.AT_BEGINNING_STRING: not before,
                sre.AT_END: not after or self.text[at:] == "\n" or (many and after == "\n"), sre.AT_END_STRING: not after,
                sre.AT_BOUNDARY: edge, sre.AT_NON_BOUNDARY: not edge}.get(value, True)


def attacks(pattern: re.Pattern[str], longest: int) -> Iterator[tuple[str, str]]:
    """Beginnings and units of texts that a pattern could take long for: each thing that it repeats, behind what has to stand before it."""
    tree = _parser.parse(pattern.pattern, pattern.flags)
    found = dict.fromkeys(("", unit) for unit in ("a", " ", "0", _sample(list(tree))))
    for before, body in _repeats(list(tree), ""):
        for unit in _samples(list(body)):
            found |= dict.fromkeys((("", unit), (before, unit)))
    return ((before, unit) for before, unit in found if 0 < len(unit) <= longest)


def _repeats(nodes: list[Any], before: str) -> Iterator[tuple[str, Any]]:
    for kind, value in nodes:
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            if value[1] > 8:
                yield before, value[2]
            yield from _repeats(list(value[2]), before)
        elif kind is sre.SUBPATTERN:
            yield from _repeats(list(value[3]), before)
        elif kind is sre.BRANCH:
            for branch in value[1]:
                yield from _repeats(list(branch), before)
        before += _sample([(kind, value)])


def _samples(nodes: list[Any]) -> Iterator[str]:
    """Texts that nodes match: one, and of a set one character for each of its members."""
    yield _sample(nodes)
    if len(nodes) == 1 and nodes[0][0] is sre.IN:
        for each in nodes[0][1]:
            if each[0] is not sre.NEGATE:
                yield _sample([(sre.IN, [each])])
    if len(nodes) == 1 and nodes[0][0] is sre.SUBPATTERN:
        yield from _samples(list(nodes[0][1][3]))
    if len(nodes) == 1 and nodes[0][0] is sre.BRANCH:
        for branch in nodes[0][1][1]:
            yield _sample(list(branch))


def _sample(nodes: list[Any]) -> str:
    text = ""
    for kind, value in nodes:
        if kind is sre.LITERAL:
            text += chr(value)
        elif kind in (sre.IN, sre.NOT_LITERAL, sre.ANY):
            run = _Run("", 0)
            text += next((each for each in "a0 -./=:@_A\n\"'{(<[$#*+,;%&!?|~^\\`>)]}é\t" if run.takes(kind, value, each)), "")
        elif kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            text += _sample(list(value[2])) * min(value[0], 40)
        elif kind is sre.SUBPATTERN:
            text += _sample(list(value[3]))
        elif kind is sre.BRANCH:
            text += _sample(list(value[1][0]))
        elif kind is sre.ATOMIC_GROUP:
            text += _sample(list(value))
    return text
