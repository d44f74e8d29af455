"""Pictures of import costs: the files, and the page in a real browser that clicks, searches and zooms in it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.core.test_timeline import check_speedscope, check_trace_events
from tests.e2e.browser import Browser

MODULES = 1000


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "pepperpy_reload", *arguments]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of a thousand modules, ten in each package, and what `profile` makes of it."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(MODULES // 10):
        package = folder / f"part{number:02}"
        package.mkdir()
        for place in range(9):
            below = [f"import part{one:02}.m{place}" for one in (2 * number + 1, 2 * number + 2) if one < MODULES // 10]
            work = f"SUM = sum(range({200 * (number % 7 + 1)}))"
            (package / f"m{place}.py").write_text("\n".join([*below, work, ""]))
        (package / "__init__.py").write_text("".join(f"from . import m{place}\n" for place in range(9)))
    (folder / "app.py").write_text(
        "import importlib, threading\nimport part00\n"
        "thread = threading.Thread(target=importlib.import_module, args=('side',))\nthread.start()\nthread.join()\n"
        "try:\n    import not_there\nexcept ImportError:\n    pass\n"
    )
    (folder / "side.py").write_text("NAME = '</script><b>'\nraise_ = '<!--'\n")
    names = {kind: f"app.{kind}" + (".json" if kind in ("speedscope", "perfetto") else "") for kind in KINDS}
    done = command(folder, "profile", "app", *(word for kind in KINDS for word in (f"--{kind}", names[kind])))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return folder


KINDS = ("html", "svg", "speedscope", "perfetto")


@pytest.fixture
def page(browser: Browser) -> Browser:
    """The page as it is when it has been opened."""
    browser.run("location.reload()")
    browser.eventually(lambda: browser.run("return document.querySelectorAll('.mark').length"), "bars")
    return browser


def width(page: Browser, module: str) -> float:
    return float(page.run(f"return document.querySelector('.mark[data-module=\"{module}\"]').offsetWidth"))


def test_files_for_other_viewers(many: Path) -> None:
    speedscope = json.loads((many / "app.speedscope.json").read_text())
    check_speedscope(speedscope)
    assert [one["name"] for one in speedscope["profiles"]] == ["main thread", "thread 2"]
    names = {frame["name"] for frame in speedscope["shared"]["frames"]}
    assert {"app", "part99.m8", "side", "not_there"} <= names
    trace = json.loads((many / "app.perfetto.json").read_text())
    check_trace_events(trace)
    (side,) = [event for event in trace["traceEvents"] if event["name"] == "side"]
    assert side["tid"] == 2
    assert side["args"]["file"].endswith("side.py")


def test_the_svg_is_one(many: Path) -> None:
    text = (many / "app.svg").read_text()
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "not_there" not in text or "failed" in text
    assert "prefers-color-scheme:dark" in text
    assert len(root.findall(".//{http://www.w3.org/2000/svg}g")) > 100


def test_the_page_asks_nobody_for_anything(many: Path) -> None:
    text = (many / "app.html").read_text()
    assert "default-src 'none'" in text
    assert not re.search(r"""(src|href)=|url\(|@import|fetch\(|https?://""", text)


def test_all_bars_can_be_seen_at_first(page: Browser) -> None:
    seen = set(page.run("return [...document.querySelectorAll('.mark')].map(one => one.dataset.module)"))
    assert {"app", "part00"} <= seen
    assert "1,0" in f"{int(page.text('#figures div:nth-child(2) dd')):,}"
    assert page.run("return document.querySelectorAll('.lane').length") == 2
    assert page.run("return [...document.querySelectorAll('.lane h2')].map(one => one.textContent)")[1] == "thread 2"


def test_a_click_zooms_in_and_escape_out(page: Browser) -> None:
    before = width(page, "part01.m0")
    page.click('.mark[data-module="part01.m0"]')
    after = width(page, "part01.m0")
    assert after > before
    assert after == pytest.approx(page.run("return document.querySelector('.stage').clientWidth"), abs=4)
    assert page.text("#details h3") == "part01.m0"
    chain = page.text("#details .chain")
    assert "app.py:2" in chain
    assert "part00/m0.py:1" in chain
    assert page.text("#path").endswith("part01.m0")
    for _ in range(8):
        page.type("Escape")
    assert width(page, "part01.m0") == pytest.approx(before, abs=1)
    assert page.run("return document.getElementById('whole').disabled")


def test_the_keyboard_goes_everywhere(page: Browser) -> None:
    page.type("Down")
    assert page.text("#details h3") == "app"
    page.type("Down")
    assert page.text("#details h3") == "part00"
    page.type("Down", "Right")
    inner = page.text("#details h3")
    assert inner.startswith("part")
    before = width(page, inner)
    page.type("Enter")
    assert width(page, inner) > before
    page.type("Left", "Up")
    assert page.text("#details h3") == "part00"


def test_the_search_finds_counts_and_goes_through_them(page: Browser) -> None:
    page.type("/")
    page.type(*"part42.m")
    count = page.run("return document.querySelectorAll('#rows tr').length")
    assert count >= 9
    assert page.text("#found").startswith(f"{count} ·")
    page.type("Enter")
    first = page.text("#details h3")
    assert first.startswith("part42.m")
    number = page.run("return chosen")
    assert width(page, first) >= 3, "it is zoomed to where it can be seen"
    page.type("Enter")
    assert page.run("return chosen") != number
    page.type("Escape")
    assert page.text("#found") == ""
    page.type("/")
    page.type(*"nowhere")
    assert page.text("#found") == "none"


def test_what_the_pointer_is_over_is_told_with_its_chain(page: Browser) -> None:
    page.hover('.mark[data-module="part02.m0"]')
    told = page.text("#hover")
    assert told.startswith("part02.m0")
    assert "saved without it" in told
    assert "app.py:2" in told
    assert "part00/m0.py:2" in told


def test_colours_and_the_order_of_the_table(page: Browser) -> None:
    colour = "return getComputedStyle(document.querySelector('.mark[data-module=\"app\"]')).backgroundColor"
    by_package = page.run(colour)
    page.click('#colours button[value="time"]')
    assert page.run(colour) != by_package
    page.click("#heads th:nth-child(2) button")
    own = page.run("return [...document.querySelectorAll('#rows tr')].map(one => modules[one.dataset.number].self)")
    assert own == sorted(own, reverse=True)
    page.click("#more")
    assert page.run("return document.querySelectorAll('#rows tr').length") > MODULES


def test_light_and_dark(page: Browser, many: Path) -> None:
    paper = "return getComputedStyle(document.body).backgroundColor"
    page.click('#theme button[value="light"]')
    light = page.run(paper)
    page.click('#theme button[value="dark"]')
    dark = page.run(paper)
    assert sum(map(int, re.findall(r"\d+", light))) > 600 > 200 > sum(map(int, re.findall(r"\d+", dark)))


def test_names_and_errors_are_never_markup(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("try:\n    __import__('</script><img src=x>')\nexcept ImportError:\n    pass\n")
    assert command(tmp_path, "profile", "app", "--html", "it.html", "--svg", "it.svg").returncode == 0
    assert "<img" not in (tmp_path / "it.html").read_text()
    ElementTree.parse(tmp_path / "it.svg")
    with Browser() as browser:
        browser.open(tmp_path / "it.html")
        page = browser.text("#rows")
        assert "</script><img src=x>" in page
        assert browser.run("return document.querySelectorAll('img').length") == 0
        assert browser.complaints() == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--html", "it.png"), "--html writes .html or .htm files, and it.png is called something else"),
        (("--speedscope", "it.html"), "--speedscope writes .json files, and it.html is called something else"),
        (("--svg", "no/where.svg"), "--svg: there is no directory no to write where.svg to"),
        (("--html", "."), "--html: . is a directory, not a file"),
        (("--html", "/proc/version"), "--html: /proc/version cannot be written: "),
    ],
)
def test_files_that_cannot_be_written(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    (tmp_path / "app.py").write_text("")
    done = command(tmp_path, "profile", "app", *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"pepperpy-reload: {told}"), done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_standard_output_takes_one_too(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("")
    done = command(tmp_path, "profile", "app", "--svg", "-")
    assert ElementTree.fromstring(done.stdout).tag.endswith("svg")
