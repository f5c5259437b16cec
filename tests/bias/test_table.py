from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.bias.counts import Counts
from modelwatch_analyzer.bias.groups import facet_of, positive_of
from modelwatch_analyzer.bias.metrics import METRICS
from modelwatch_analyzer.bias.table import BiasColumns, BiasTable, Prediction, gathered
from modelwatch_analyzer.bias.values import Listed
from modelwatch_analyzer.undefined import Undefined
from tests.bias.reference import SMCLARIFY, of_smclarify

ROW = st.fixed_dictionaries(
    {
        "sex": st.sampled_from(["F", "M", "X", None]),
        "age": st.sampled_from(["20", "30", "40.5", None]),
        "group": st.sampled_from(["a", "b", None]),
        "label": st.sampled_from(["0", "1", "2", None]),
        "predicted": st.sampled_from(["0", "1", "1.0", None]),
    }
)
SCHEMA = dict.fromkeys(("sex", "age", "group", "label", "predicted"), pl.String())
COLUMNS = BiasColumns(
    label="label",
    positive=Listed((1, 2)),
    facets={"sex": ("sex", Listed(())), "age": ("age", Listed((25,)))},
    group="group",
    prediction=Prediction(("predicted",)),
)


def frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA)


def counted(*batches: pl.DataFrame, columns: BiasColumns = COLUMNS) -> BiasTable:
    table = BiasTable.empty(columns, seed=0)
    for batch in batches:
        table.update(batch)
    return table


def content(table: BiasTable) -> dict[str, object]:
    """Return everything that is made of a table."""
    positive = positive_of(table, ())
    facets = [facet_of(table, name, positive, None, (), neighbours=1) for name in ("sex", "age")]
    cells = [(facet.values, facet.cells.tolist(), facet.missing) for facet in facets]
    facts = [(each.type, each.present, each.missing, each.distinct.count) for each in table.facet_facts.values()]
    return {"positive": positive, "facets": cells, "facts": facts, "left out": (table.unlabelled, table.unpredicted)}


@settings(max_examples=25)
@given(st.lists(ROW, min_size=1, max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_parts_merged_are_the_whole(rows, first, second):
    one, other = sorted((first, second))
    whole = frame(rows)
    parts = [whole[:one], whole[one:other], whole[other:]]
    expected = content(counted(whole))
    assert content(counted(*parts)) == expected
    left, middle, right = map(counted, parts)
    assert content(left.merge(middle).merge(right)) == expected
    assert content(left.merge(middle.merge(right))) == expected


@settings(max_examples=15)
@given(st.lists(ROW, min_size=12, max_size=60))
def test_metrics_of_a_table_are_those_of_smclarify_on_its_rows(rows):
    known = [
        row | {"group": row["group"] or "none"} for row in rows if row["sex"] and row["label"] and row["predicted"]
    ]
    if not known:
        return
    table = counted(frame(known))
    facet = facet_of(table, "sex", positive_of(table, ()), None, (), neighbours=1)
    label = np.array([row["label"] in ("1", "2") for row in known])
    predicted = np.array([float(row["predicted"]) == 1 for row in known])
    group = np.array([row["group"] for row in known])
    for index, value in enumerate(facet.values):
        counts = Counts(facet.of(facet.cells, index), grouped=True)
        sensitive = np.array([row["sex"] == value for row in known])
        for name in SMCLARIFY.keys() - {"FT"}:
            found = METRICS[name].value(counts)
            if not isinstance(found, Undefined):
                expected = of_smclarify(name, sensitive, label, predicted, group)
                assert found == expected or found == pytest.approx(expected, abs=1e-12), name


def test_listed_values_leave_all_other_rows_in_the_other_group():
    columns = BiasColumns("label", Listed((1,)), {"sex": ("sex", Listed(("F", "X")))})
    table = counted(frame([{"sex": sex, "label": "1"} for sex in "FFMX"]), columns=columns)
    facet = facet_of(table, "sex", positive_of(table, ()), None, (), neighbours=1)
    assert (facet.values, facet.rows(0)) == (("F,X",), (3, 1))


def predictions(prediction: Prediction, columns: dict[str, list[object]], positive: tuple[object, ...] = (1,)) -> int:
    """Return how many of some rows are predicted positive."""
    size = len(next(iter(columns.values())))
    batch = pl.DataFrame({"y": ["no", str(positive[0])] * (size // 2), "f": ["a", "b"] * (size // 2)} | columns)
    table = counted(
        batch, columns=BiasColumns("y", Listed(positive), {"f": ("f", Listed(("a",)))}, prediction=prediction)
    )
    facet = facet_of(table, "f", positive_of(table, ()), None, (), neighbours=1)
    return int(facet.cells[..., 1].sum())


def test_of_several_probabilities_the_greatest_gives_the_label():
    columns = {"l0": ["0"] * 4, "l1": ["1"] * 4, "p0": [0.9, 0.2, 0.5, None], "p1": [0.1, 0.8, 0.6, 0.3]}
    assert predictions(Prediction(("l0", "l1"), ("p0", "p1")), columns) == 2


def test_a_response_of_fractions_is_a_probability_and_one_of_whole_numbers_a_label():
    guessed = Prediction(("p",), ("p",), 0.5, guessed=True)
    assert predictions(guessed, {"p": ["0.2", "0.51", "1", "0.5"]}) == 2
    assert predictions(guessed, {"p": ["0", "1", "1", "1"]}) == 3
    assert predictions(guessed, {"p": ["0", "1", "1", "1"]}, positive=(0,)) == 1
    assert predictions(guessed, {"p": ["no", "yes", "no", "no"]}, positive=("yes",)) == 1
    assert predictions(guessed, {"p": ["1.5", "0.7", "2.5", "1.5"]}, positive=(1.5, 2.5)) == 3


def test_rows_without_a_probability_are_left_out():
    prediction = Prediction(scores=("p",))
    columns = BiasColumns("y", Listed((1,)), {"f": ("f", Listed(("a",)))}, prediction=prediction)
    table = counted(pl.DataFrame({"y": ["1"] * 4, "f": ["a"] * 4, "p": [0.9, None, 0.1, 0.4]}), columns=columns)
    assert table.unpredicted == 1
    assert table.facets["f"]["rows"].sum() == 3


def test_groups_are_in_the_order_of_their_numbers():
    columns = BiasColumns("y", Listed((1,)), {"f": ("f", Listed(()))})
    table = counted(pl.DataFrame({"y": ["1"] * 4, "f": ["10", "b", "9", "-1"]}), columns=columns)
    assert facet_of(table, "f", positive_of(table, ()), None, (), neighbours=1).values == ("-1", "9", "10", "b")


def test_a_threshold_is_not_above_itself():
    assert predictions(Prediction(scores=("p",), threshold=0.7), {"p": [0.7, 0.71, 0.69, 0.7]}) == 1


def test_small_batches_are_brought_together_in_their_order_unless_their_types_differ():
    batches = [pl.DataFrame({"x": part}) for part in ([1.0], [2.0, 3.0], ["4"], [5.0], [])]
    batches[-1] = batches[-1].cast(pl.Float64)
    assert [batch["x"].to_list() for batch in gathered(batches)] == [[1.0, 2.0, 3.0], ["4"], [5.0]]
    large = [pl.DataFrame({"x": np.arange(40_000.0)})] * 3
    assert [batch.height for batch in gathered(large)] == [40_000] * 3
