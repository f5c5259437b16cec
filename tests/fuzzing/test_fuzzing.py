"""Whatever bytes a parser is given, it reads them or refuses them with a code, within a second of CPU."""

from __future__ import annotations

import json
import math
from random import Random
from unittest.mock import patch

import pytest

from modelwatch_core.domain.errors import InvalidInput
from tests.fuzzing.mutation import mutated
from tests.fuzzing.seeds import CORPUS, kept
from tests.fuzzing.target import LONGEST_INPUT, Target, TooSlow
from tests.fuzzing.targets import TARGETS

MUTATIONS = 40

HOSTILE = {
    "deep lists": b"[" * LONGEST_INPUT,
    "deep objects": b'{"a":' * (LONGEST_INPUT // 5),
    "deep and closed": b"[" * (LONGEST_INPUT // 2) + b"]" * (LONGEST_INPUT // 2),
    "digits": b"9" * LONGEST_INPUT,
    "a number of many digits": b'{"a": ' + b"1" * (LONGEST_INPUT - 7) + b"}",
    "a fraction of many digits": b"a,b\n0." + b"3" * (LONGEST_INPUT - 20) + b",1\n",
    "blanks": b" " * LONGEST_INPUT,
    "quotes": b'"' * LONGEST_INPUT,
    "separators": b"," * (LONGEST_INPUT // 16),  # each column costs some 20 microseconds
    "line breaks": b"\n" * LONGEST_INPUT,
    "carriage returns": b"a\r" * (LONGEST_INPUT // 2),
    "backslashes": b'{"a": "' + b"\\" * (LONGEST_INPUT - 9) + b'"}',
    "zeros": bytes(LONGEST_INPUT),
    "many keys": json.dumps({f"k{number}": 1 for number in range(5000)}).encode(),
    "many short lines": b"1\n" * (LONGEST_INPUT // 2),
    "many columns": b",".join(b"c%d" % number for number in range(9000)) + b"\n",
    "many facets": json.dumps({"facet": [{"name_or_index": f"f{number}"} for number in range(1500)]}).encode(),
    "one key again and again": b"{" + b",".join(b'"a":1' for _ in range(10_000)) + b"}",
}


@pytest.mark.parametrize("target", TARGETS)
def test_every_input_that_is_kept_is_read_or_refused(target):
    inputs = kept(target)
    assert len(inputs) >= 2
    for content in inputs.values():
        TARGETS[target](content)


@pytest.mark.parametrize("target", TARGETS)
def test_inputs_that_resemble_those_are_read_or_refused(target):
    random = Random(20261128)
    seeds = [content[:LONGEST_INPUT] for content in kept(target).values()]
    for _ in range(MUTATIONS):
        TARGETS[target](mutated(random.choice(seeds), random, LONGEST_INPUT))


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("target", TARGETS)
def test_no_input_of_64_kilobytes_takes_a_second(target, name):
    assert len(HOSTILE[name]) <= LONGEST_INPUT
    TARGETS[target](b"{}", most_cpu_seconds=math.inf)  # models are built when first used
    TARGETS[target](HOSTILE[name])


def test_every_folder_of_the_corpus_has_a_target():
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)


def test_a_target_lets_only_errors_of_the_product_pass():
    def refuses(*_: object) -> None:
        raise InvalidInput("NotParquet", "write it again")

    def crashes(*_: object) -> None:
        raise KeyError("schema")

    def says_nothing(*_: object) -> None:
        raise InvalidInput("", "")

    Target(refuses)(b"")
    with pytest.raises(KeyError):
        Target(crashes)(b"")
    with pytest.raises(AssertionError, match="without a code"):
        Target(says_nothing)(b"")
    with pytest.raises(TooSlow):
        Target(lambda *_: None)(b"", most_cpu_seconds=-1)


def test_a_target_that_is_slow_once_is_tried_again():
    clock = iter([0.0, 5.0, 10.0, 10.5])
    with patch("tests.fuzzing.target.time.process_time", lambda: next(clock)):
        Target(lambda *_: None)(b"")
    assert not list(clock)  # it ran twice
