"""Whose probability each of several columns holds."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from modelwatch_analyzer.model_quality.labels import class_of
from modelwatch_analyzer.profile.spelling import exact_number
from modelwatch_core.domain.dataset_formats import RESPONSE, TRANSFORM_OUTPUT

_BY_PLACE = re.compile(r"_c\d+")
_SIDE = re.compile(rf"(?:{RESPONSE}|{TRANSFORM_OUTPUT})\.")


def classes_of_columns(names: Sequence[str], label: str) -> tuple[str, ...]:
    """Return the class whose probability each column holds: the one of its name, without the path that leads to it.

    The path is what all names have in common up to a dot, or else each name up to its last dot if all have one; a
    number such as ``1.0`` has none. Of columns without names, which are called ``_c5`` by their place, or ``5`` in a
    table whose column of labels is a number too, the first is that of class 0.
    """
    names = [_SIDE.sub("", name, count=1) for name in names]
    if all(map(_BY_PLACE.fullmatch, names)) or all(map(str.isdecimal, (label, *names))):
        return tuple(map(str, range(len(names))))
    if all(exact_number(name) is not None for name in names):
        return tuple(map(class_of, names))
    shared = names[0].rfind(".", 0, _shared(names)) + 1 if len(names) > 1 else 0
    if shared or not all("." in name.strip(".") for name in names):
        return tuple(class_of(name[shared:]) for name in names)
    last = tuple(class_of(name.rpartition(".")[2]) for name in names)
    return last if len(set(last)) == len(last) else tuple(map(class_of, names))  # the dot of proba_1.0 is of a number


def classes_among(names: Sequence[str], classes: Sequence[str], labels: Collection[str]) -> Sequence[str]:
    """Return the class of each column of probabilities.

    Where no label is among the classes, a beginning that all names share is left out if labels are then: of
    ``proba_cat`` and ``proba_dog``.

    Parameters
    ----------
    names : sequence of str
        The columns.
    classes : sequence of str
        Those of `classes_of_columns`.
    """
    if len(names) < 2 or not set(labels).isdisjoint(classes):
        return classes
    ends = [[class_of(name[start:]) for name in names] for start in range(1, _shared(names) + 1)]
    return max([classes, *ends], key=lambda each: len(set(labels).intersection(each)))


def _shared(names: Sequence[str]) -> int:
    """Return how many characters all names begin with in common: those of the first and the last in order."""
    first, last = min(names), max(names)
    return next((place for place, pair in enumerate(zip(first, last, strict=False)) if len({*pair}) > 1), len(first))
