"""Record preprocessors and post-analytics scripts, which run in separate processes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from modelwatch_analyzer.analysis import analyze
from modelwatch_analyzer.reading import open_dataset
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.scripts import process
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.settings_environment import analysis_settings

Script = Callable[[str], Path]
CSV, LINES, CAPTURE = '{"csv": {"header": true}}', '{"json": {"lines": true}}', '{"sagemakerCaptureJson": {}}'


@pytest.fixture
def script(tmp_path: Path) -> Script:
    def script(source: str) -> Path:
        path = tmp_path / "code" / "mine.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
        return path

    return script


@pytest.fixture
def read(tmp_path: Path, script: Script) -> Callable[..., tuple[Any, list[tuple[Any, ...]], ReadLog]]:
    def read(source: str, content: str, dataset_format: str = CSV, **settings: str) -> Any:
        (tmp_path / "data").write_text(content)
        wanted = analysis_settings(
            dataset_source=tmp_path / "data",
            dataset_format=dataset_format,
            output_path=tmp_path / "out",
            record_preprocessor_script=script(source),
            **settings,
        )
        dataset, log = open_dataset(wanted), ReadLog()
        plan = Plan(dict.fromkeys(dataset.columns, pl.String()))
        rows = [row for batch in dataset.batches(plan, log) for row in batch[list(dataset.columns)].rows()]
        return dataset, rows, log

    return read


def captured(number: int, **more: Any) -> str:
    payload = {"data": f"{number},x\n", "encoding": "CSV", "observedContentType": "text/csv", "mode": "INPUT"}
    event = {"eventId": f"e{number}", "inferenceTime": f"2026-01-01T0{number}:00:00Z", "customAttributes": ["k=v"]}
    return json.dumps({"captureData": {"endpointInput": payload}, "eventMetadata": event, "eventVersion": "0", **more})


def test_a_script_gets_the_raw_line_and_the_dict_that_it_returns_becomes_a_row(read) -> None:
    source = (
        "def preprocess_handler(line):\n    a, b = line.split(',')\n"
        "    return {'b': b, 'sum': int(a) + 1, 'n': {'x': 1.5}}"
    )
    dataset, rows, log = read(source, "a,b\r\n1,x\r\n\r\n2,y\r\n")
    assert (dataset.columns, dataset.named) == (("b", "sum", "n.x"), True)
    assert rows == [("x", "2", "1.5"), ("y", "3", "1.5")]
    assert (log.objects, log.read, log.bytes) == (1, 2, 17)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False], ids=["with an end", "without an end"])
def test_lines_of_csv_end_with_a_script_as_they_do_without_one(read, end: str, *, last: bool) -> None:
    source = "def preprocess_handler(line):\n    return dict(zip('ab', line.split(',')))"
    _, rows, log = read(source, end.join(["a,b", "1,x", "", "2,y"]) + end * last)
    assert (rows, log.read, log.malformed) == ([("1", "x"), ("2", "y")], 2, 0)
    with pytest.raises(InvalidInput, match="failed at data:4: "):
        read(
            "def preprocess_handler(line):\n    assert line == '1,x'\n    return {}",
            end.join(["a,b", "1,x", "", "2,y"]),
        )


def test_a_carriage_return_in_a_line_is_kept_where_line_feeds_end_the_lines(read) -> None:
    source = "def preprocess_handler(line):\n    return {'line': line}"
    assert read(source, "a\n1\r2\n")[1] == [("1\r2",)]


def test_rows_that_would_fill_the_disk_are_refused_and_their_file_is_deleted(
    read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spools = tmp_path / "spools"
    spools.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spools))
    monkeypatch.setattr("modelwatch_analyzer.reading.preprocessed.MAX_BYTES", 1000)
    source = "def preprocess_handler(line):\n    return [{'a': 'x' * 10}] * 20"
    read(source, "a\n1\n")
    with pytest.raises(InvalidInput, match="1,000 bytes") as refused:
        read(source, "a\n1\n2\n")
    assert refused.value.code == "PreprocessedTooLarge"
    assert list(spools.iterdir()) == []


def test_a_captured_record_has_the_documented_attributes(read) -> None:
    source = """
def preprocess_handler(inference_record, logger):
    logger.info("one")
    event, request = inference_record.event_metadata, inference_record.endpoint_input
    assert inference_record.endpoint_output.data is None
    assert inference_record.batch_transform_output.encoding is None
    sides = inference_record.event_data  # sm-model_monitor_introduction/preprocessor.py of AWS's examples
    assert (sides.endpointInput.data, sides.endpointOutput.data) == (request.data, None)
    assert inference_record.as_dict()["captureData"] == {"endpointInput": request.as_dict()}
    assert str(inference_record) == str(inference_record.as_dict())
    return {
        "id": event.event_id, "time": event.event_time, "custom": event.custom_attribute[0], "data": request.data,
        "encoding": request.encoding, "type": request.observedContentType, "mode": request.mode,
        "version": inference_record.event_version, "truth": inference_record.ground_truth.data,
        "event_version": inference_record.event_dict["eventVersion"],
    }
"""
    _, rows, log = read(
        source,
        "\n".join([captured(1), "{", captured(2, groundTruthData={"data": "7", "encoding": "CSV"}), captured(3)]),
        CAPTURE,
        end_time="2026-01-01T03:00:00Z",
    )
    assert rows == [
        ("e1", "2026-01-01T01:00:00Z", "k=v", "1,x\n", "CSV", "text/csv", "INPUT", "0", None, "0"),
        ("e2", "2026-01-01T02:00:00Z", "k=v", "2,x\n", "CSV", "text/csv", "INPUT", "0", "7", "0"),
    ]
    assert (log.read, log.malformed, log.out_of_window) == (2, 1, 1)
    assert log.malformed_examples == ["data:2: not JSON"]


def test_a_list_gives_several_rows_and_an_empty_one_drops_the_record(read) -> None:
    source = "def preprocess_handler(line):\n    return [{'v': v} for v in __import__('json').loads(line)]"
    _, rows, log = read(source, "[1, 2]\n[]\n[3]\n[]\n", LINES)
    assert rows == [("1",), ("2",), ("3",)]
    assert (log.read, log.dropped) == (3, 2)


def test_names_that_are_numbers_are_positions(read) -> None:
    source = (
        "def preprocess_handler(line):\n    return {str(i).zfill(20): v for i, v in reversed(list(enumerate(line)))}"
    )
    dataset, rows, _ = read(source, "x\n" + "abcdefghijkl\n")
    assert (dataset.named, dataset.columns[-1]) == (False, "_c11")
    assert rows == [tuple("abcdefghijkl")]


PAST_NINE = "the record preprocessor names columns by numbers that are not of one width"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "warning"),
    [
        ("map(str, range(13))", "its column 10 is read as _c2"),
        ("map(str, range(1, 11))", "its column 10 is read as _c1"),
        ("['8', '9', '10']", "its column 10 is read as _c0"),
        ("['7', '08', '9']", "its column 08 is read as _c0"),
        ("map(str, range(98, 102))", "its column 100 is read as _c0"),
        ("map(str, range(10))", None),
        ("map(str, range(10, 100))", None),
        ("[str(i).zfill(2) for i in range(13)]", None),
        ("['a%d' % i for i in range(13)]", None),
    ],
)
def test_numbers_as_names_whose_order_as_text_is_another_are_reported(read, names: str, warning: str | None) -> None:
    _, _, log = read(f"def preprocess_handler(line):\n    return dict.fromkeys({names}, 1)", "x\ny\n")
    assert [remark.split("; ")[0].split(": ", 1) for remark in log.remarks] == (
        [[PAST_NINE + ", and they are ordered as text", warning]] if warning else []
    )


def test_the_report_and_the_shell_tell_the_order_of_a_preprocessors_numbers(script, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("x\nabcdefghijkl\n")
    wanted = analysis_settings(
        dataset_source=tmp_path / "data.csv",
        dataset_format=CSV,
        output_path=tmp_path / "out",
        record_preprocessor_script=script(
            "def preprocess_handler(line):\n    return {str(i): v for i, v in enumerate(line)}"
        ),
    )
    assert any("its column 10 is read as _c2" in warning for warning in analyze(wanted).warnings)
    assert "its column 10 is read as _c2" in (tmp_path / "out" / "report.html").read_text()


def test_returned_values_become_the_text_that_a_file_would_have(read) -> None:
    source = (
        "import numpy as np, datetime as dt\n"
        "def preprocess_handler(line):\n"
        "    return dict(a=np.float64(0.5), b=np.int64(3), c=float('nan'), d=float('inf'), e=True, f=None, g='',\n"
        "        h=dt.date(2026, 1, 2), i=10**30, j=np.array([1, 2]), k='\\u00e9\"\\n')"
    )
    dataset, rows, _ = read(source, "x\n1\n")
    assert dataset.columns == (*"abcdefghi", "j.0", "j.1", "k")
    assert rows == [("0.5", "3", None, "inf", "true", None, None, "2026-01-02", "1" + "0" * 30, "1", "2", 'é"\n')]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def preprocess_handler(line):\n    return helper(line)\ndef helper(x):\n    return {}[x]", "KeyError: '1'"),
        ("import json\ndef preprocess_handler(line):\n    return json.loads('{')", "JSONDecodeError"),
        ("def preprocess_handler(line):\n    return None", "returned NoneType"),
        ("def preprocess_handler(line):\n    return [1]", "a list with a int"),
        ("def preprocess_handler(line):\n    return 'text'", "returned str"),
        ("def preprocess_handler(", "SyntaxError"),
        ("raise RuntimeError('at import')", "at import"),
        ("x = 1", "no function preprocess_handler"),
        ("def preprocess_handler(line):\n    raise SystemExit(0)", "SystemExit"),
        (
            "import ast\ndef preprocess_handler(line):\n    return ast.literal_eval('1,,')",
            "line 3, in preprocess_handler",
        ),
        (
            "def preprocess_handler(line):\n    e = ValueError('why')\n    e.add_note('a note')\n    raise e",
            "why\na note",
        ),
        ("import os\ndef preprocess_handler(line):\n    os._exit(3)", "exit code 3"),
        ("import os\ndef preprocess_handler(line):\n    os.kill(os.getpid(), 9)", "SIGKILL"),
        ("def preprocess_handler(line):\n    return {'a': bytearray(3 << 30)}", "MemoryError"),
        ("def preprocess_handler(line):\n    return {'a': 10**5000}", "ValueError: Exceeds the limit"),
    ],
)
def test_a_script_that_raises_or_returns_something_invalid_fails_with_its_own_error(
    read, source: str, says: str
) -> None:
    with pytest.raises(InvalidInput, match=says) as failed:
        read(source, "x\n1\n")
    assert failed.value.code == "PreprocessorFailed"
    assert "worker.py" not in failed.value.message
    assert os.sep + "code" not in failed.value.message
    assert len(failed.value.message) < 1100


def test_only_the_frames_of_the_script_are_reported(read) -> None:
    source = "import json\ndef preprocess_handler(line):\n    return json.loads('{')"
    with pytest.raises(InvalidInput) as failed:
        read(source, "x\n1\n")
    assert 'File "mine.py", line 3, in preprocess_handler' in failed.value.message
    assert "decoder.py" not in failed.value.message


def test_the_place_of_the_record_at_which_a_script_fails_is_reported(read) -> None:
    with pytest.raises(InvalidInput, match="failed at data:4: Traceback"):
        read("def preprocess_handler(line):\n    return {'a': float(line)}", "x\n1\n2\nthree\n4\n")
    with pytest.raises(InvalidInput, match="failed: Traceback"):
        read("import no_such_module", "x\n1\n")


def test_rows_that_are_no_columns_are_counted_at_the_place_of_their_record(read) -> None:
    source = "def preprocess_handler(line):\n    return {'a': line} if line == '1' else {'': line}"
    _, rows, log = read(source, "x\n1\n2\n")
    assert rows == [("1",)]
    assert log.malformed_examples == ["data:3: a row of the record preprocessor: a field has no name"]


def test_records_without_any_field_are_refused_as_such(read) -> None:
    with pytest.raises(InvalidInput, match="no record has a field") as refused:
        read("def preprocess_handler(line):\n    return {}", "x\n1\n2\n")
    assert refused.value.code == "NoColumns"


def test_a_script_may_define_dataclasses_and_pickle_its_own_classes(read) -> None:
    source = (
        "from __future__ import annotations\nimport pickle\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Event:\n    a: str\n"
        "def preprocess_handler(line):\n    return vars(pickle.loads(pickle.dumps(Event(line))))"
    )
    assert read(source, "x\n1\n")[1] == [("1",)]


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_script_may_have_its_own_processes_call_what_it_defines(read, tmp_path: Path, method: str) -> None:
    """Processes that are started afresh import the module of what they call, and what that imports."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "beside.py").write_text("def twice(number):\n    return 2 * number")
    (tmp_path / "code" / "user_script.py").write_text("raise ImportError('this is another file')")
    source = f"""
import dataclasses, multiprocessing
from beside import twice
@dataclasses.dataclass
class Row:
    number: int
def doubled(row):
    return Row(twice(row.number))
def preprocess_handler(line):
    with multiprocessing.get_context("{method}").Pool(1) as pool:
        return [dataclasses.asdict(row) for row in pool.map(doubled, [Row(int(line))])]
"""
    assert read(source, "a\n1\n")[1] == [("2",)]


def test_a_script_that_has_arguments_of_its_own_may_have_processes_too(read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "RESPONSE_SECONDS", 20)  # without its module, a process of a pool is replaced for ever
    source = """
import multiprocessing, sys
sys.argv = ["prog"]
def doubled(line):
    return {"number": 2 * int(line)}
def preprocess_handler(line):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.map(doubled, [line])
"""
    assert read(source, "a\n1\n")[1] == [("2",)]


def test_what_a_script_prints_is_cut_and_it_goes_on(
    read, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process, "MAX_PRINTED_BYTES", 1000)
    source = (
        "def preprocess_handler(line):\n    print('x' * 1_000_000)\n    return {'a': line}"  # more than a pipe holds
    )
    assert read(source, "x\n1\n2\n")[1] == [("1",), ("2",)]
    assert capfd.readouterr().err == "x" * 1000 + "\nThe script printed 1,000 bytes: the rest is left out.\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "where", ["while True: pass\n", "def preprocess_handler(line):\n    import time; time.sleep(99)"]
)
def test_a_script_that_hangs_is_killed(read, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setattr(process, "RESPONSE_SECONDS", 0.5)
    with pytest.raises(InvalidInput, match=r"within 0\.5 seconds, for 1 record$") as failed:
        read(where, "x\n" + "1" * 200_000 + "\n")
    assert failed.value.code == "PreprocessorTimedOut"


def test_a_script_sees_the_settings_but_no_credentials_and_its_prints_are_not_responses(
    read, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    source = (
        "import os\ndef preprocess_handler(line):\n    print('loud')\n"
        "    return {'secret': os.environ.get('AWS_SECRET_ACCESS_KEY'), 'kind': os.environ['analysis_type']}"
    )
    _, rows, _ = read(source, "x\n1\n")
    assert rows == [(None, "DATA_QUALITY")]
    assert capfd.readouterr().err == "loud\n"


def test_dropping_all_records_a_missing_script_and_a_format_without_lines_are_refused(read, tmp_path: Path) -> None:
    drops = "def preprocess_handler(line):\n    return []"
    with pytest.raises(InvalidInput, match=r"dropped every record \(2\)") as refused:
        read(drops, "x\n1\n2\n")
    assert refused.value.code == "EmptyDataset"
    with pytest.raises(InvalidInput) as refused:
        read(drops, "PAR1", '{"parquet": {}}')
    assert refused.value.code == "PreprocessorNotApplicable"
    settings = analysis_settings(
        dataset_source=tmp_path / "data", output_path=tmp_path, record_preprocessor_script=tmp_path / "none.py"
    )
    with pytest.raises(InvalidInput) as refused:
        open_dataset(settings)
    assert refused.value.code == "ScriptNotFound"


def test_the_post_analytics_script_runs_after_the_reports_are_written(tmp_path: Path, script: Script) -> None:
    (tmp_path / "data.csv").write_text("a\n1\n2\n")
    source = (
        "import os, pathlib\ndef postprocess_handler():\n"
        "    out = pathlib.Path(os.environ['output_path'])\n"
        "    (out / 'mine.txt').write_text(' '.join(sorted(p.name for p in out.iterdir())))"
    )
    settings = {"dataset_source": tmp_path / "data.csv", "output_path": tmp_path / "out"}
    analyze(analysis_settings(**settings, post_analytics_processor_script=script(source)))
    assert "statistics.json" in (tmp_path / "out" / "mine.txt").read_text()
    failing = script("def postprocess_handler():\n    raise ValueError('mine')")
    message = tmp_path / "message"
    with pytest.raises(InvalidInput, match="ValueError: mine") as failed:
        analyze(analysis_settings(**settings, post_analytics_processor_script=failing, output_message_file=message))
    assert failed.value.code == "PostprocessorFailed"
    assert message.read_text().startswith("Failed: PostprocessorFailed")
