"""Where a setting's value comes from, and what is said of one that cannot be."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pepperpy_reload.config import SETTINGS, Settings, read_budgets, read_pyproject, settle
from pepperpy_reload.core.budget import Budget
from pepperpy_reload.errors import UsageError


def written(folder: Path, table: str, head: str = "") -> Path:
    (folder / "pyproject.toml").write_text(f"{head}[tool.pepperpy-reload]\n{table}", encoding="utf-8")
    return folder


def test_flags_come_before_the_environment_before_the_file_before_the_default() -> None:
    variable = {"PEPPERPY_RELOAD_PORT": "2"}
    assert settle({"port": 1}, variable, {"port": 3}).port == 1
    assert settle({"port": None}, variable, {"port": 3}).port == 2
    assert settle({}, {"PEPPERPY_RELOAD_PORT": ""}, {"port": 3}).port == 3
    assert settle({}, {}, {}) == Settings()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("HOST", "::1", "::1"),
        ("AUTO_PORT", "yes", True),
        ("ACCESS_LOG", "0", False),
        ("GRACE", "0.5", 0.5),
        ("WATCH", "src, lib", ("src", "lib")),
        ("LOG_LEVEL", "debug", "debug"),
        ("RESTART", "sequential", "sequential"),
    ],
)
def test_what_the_environment_says(name: str, text: str, value: object) -> None:
    settings = settle({}, {f"PEPPERPY_RELOAD_{name}": text}, {})
    assert getattr(settings, name.lower()) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "many"),
        ("PORT", "70000"),
        ("PORT", "8000.5"),
        ("JSON", "perhaps"),
        ("GRACE", "-1"),
        ("LOG_LEVEL", "loud"),
        ("RESTART", "never"),
    ],
)
def test_a_wrong_variable_is_named_in_one_sentence(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=rf"^PEPPERPY_RELOAD_{name} must be .*, not '{text}'$"):
        settle({}, {f"PEPPERPY_RELOAD_{name}": text}, {})


def test_every_setting_has_a_key_in_pyproject(tmp_path: Path) -> None:
    example: dict[type, str] = {bool: "true", int: "1", float: "1.5", str: '"error"', tuple: '["x"]', type(None): "1"}
    lines = [f"{setting.key} = {example[type(setting.default)]}" for setting in SETTINGS.values()]
    lines = ['restart = "sequential"' if line.startswith("restart = ") else line for line in lines]
    assert read_pyproject(written(tmp_path, "\n".join(lines))).keys() == SETTINGS.keys()


def test_the_nearest_file_upwards_counts_and_paths_are_relative_to_it(tmp_path: Path) -> None:
    written(tmp_path, 'app-dir = "src"\nwatch = ["lib"]\nport = 9000\n')
    below = tmp_path / "src" / "deep"
    below.mkdir(parents=True)
    values = read_pyproject(below)
    assert values == {"app_dir": str(tmp_path / "src"), "watch": (str(tmp_path / "lib"),), "port": 9000}


def test_no_file_and_no_table_are_no_settings(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert read_pyproject(tmp_path) == {}


@pytest.mark.parametrize(
    ("table", "line", "says"),
    [
        ("port = 'x'\n", 4, "port must be a number from 0 to 65535, not 'x'"),
        ("host = '::'\n\nport = true\n", 6, "port must be"),
        ("watch = 'src'\n", 4, "watch must be a list of paths, not 'src'"),
        ("include = ['a', 1]\n", 4, "include must be a list of strings"),
        ("hots = 'x'\n", 4, "there is no setting 'hots'; did you mean 'host'?"),
        ("grace = -2\n", 4, "grace must be a number"),
        ("access-log = 1\n", 4, "access-log must be true or false, not 1"),
    ],
)
def test_a_wrong_value_is_told_with_file_and_line(tmp_path: Path, table: str, line: int, says: str) -> None:
    written(tmp_path, table, head="[project]\nport = 1\n")
    with pytest.raises(UsageError) as caught:
        read_pyproject(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'pyproject.toml'}:{line}: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_toml_is_told_with_its_line(tmp_path: Path) -> None:
    written(tmp_path, "port = = 1\n")
    with pytest.raises(UsageError, match=r"pyproject\.toml:2: this is not TOML"):
        read_pyproject(tmp_path)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        read_pyproject(tmp_path)


def test_the_table_must_be_a_table(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool]\npepperpy-reload = 3\n")
    with pytest.raises(UsageError, match=r":2: \[tool.pepperpy-reload\] must be a table"):
        read_pyproject(tmp_path)


def test_budgets(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        """port = 1
[tool.pepperpy-reload.budget]
max-ratio = 3
allowed-cycles = [["a", "b"]]
[tool.pepperpy-reload.budget.targets."shop.cli"]
forbidden = ["pandas"]
max-modules = 120
[tool.pepperpy-reload.budget.targets.shop]
max-ratio = 4.5
""",
    )
    assert read_pyproject(folder) == {"port": 1}
    assert read_budgets(folder) == [
        Budget("shop.cli", ("pandas",), 120, 3.0, (("a", "b"),)),
        Budget("shop", max_ratio=4.5, allowed_cycles=(("a", "b"),)),
    ]


@pytest.mark.parametrize(
    ("table", "line", "sentence"),
    [
        ("[tool.pepperpy-reload.budget]\nmax-module = 3", 3, "budget called 'max-module'; did you mean 'max-modules'?"),
        ("[tool.pepperpy-reload.budget]\nmax-modules = 1.5", 3, "max-modules must be a whole number, not 1.5"),
        ("[tool.pepperpy-reload.budget]\ntargets = 3", 3, "must be a table with a table for each target"),
        (
            "forbidden = 1\n[tool.pepperpy-reload.budget.targets.'a.b']\nmax-ratio = 1\nforbidden = 'x'",
            5,
            "forbidden must be a list of module names, not 'x'",
        ),
        ("budget = 1", 2, r"\[tool.pepperpy-reload.budget\] must be a table"),
    ],
)
def test_a_wrong_budget_is_told_with_its_line(tmp_path: Path, table: str, line: int, sentence: str) -> None:
    for read in (read_budgets, read_pyproject):
        if table.startswith("forbidden") and read is read_pyproject:
            continue  # that finds the other mistake first
        with pytest.raises(UsageError, match=sentence) as caught:
            read(written(tmp_path, table))
        assert (caught.value.file, caught.value.line) == (str(tmp_path / "pyproject.toml"), line)


TEXTS = st.one_of(
    st.text(st.characters(exclude_characters="\0", codec="utf-8")),
    st.sampled_from(["1e999", "nan", "-1", "0x8", "٣", ",", "~", "99999999999999999999"]),
)
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.floats(), TEXTS), lambda inner: st.lists(inner, max_size=3), max_leaves=4
)


@given(st.sampled_from(sorted(SETTINGS)), TEXTS)
def test_whatever_the_environment_says_is_a_setting_or_one_sentence(name: str, text: str) -> None:
    with contextlib.suppress(UsageError):
        assert isinstance(settle({}, {SETTINGS[name].variable: text}, {}), Settings)


@given(st.dictionaries(st.sampled_from([one.key for one in SETTINGS.values()]), VALUES, max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_the_file_says_is_a_setting_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, table: dict[str, object]
) -> None:
    folder = tmp_path_factory.mktemp("wild")
    lines = "".join(f"{key} = {_toml(value)}\n" for key, value in table.items())
    (folder / "pyproject.toml").write_text(f"[tool.pepperpy-reload]\n{lines}", encoding="utf-8")
    said = ""
    try:
        assert isinstance(settle({}, {}, read_pyproject(folder)), Settings)
    except UsageError as error:
        said = str(error)
    assert not said or "pyproject.toml" in said


@given(st.binary())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_in_the_file_is_a_table_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("wild")
    (folder / "pyproject.toml").write_bytes(b"[tool.pepperpy-reload]\n" + content)
    with contextlib.suppress(UsageError):
        settle({}, {}, read_pyproject(folder))
    with contextlib.suppress(UsageError):
        read_budgets(folder)


def _toml(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        return json.dumps(value).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
