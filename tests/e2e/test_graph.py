"""`pepperpy-reload graph`: the files, and the page in a real browser, with a thousand modules."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.e2e.browser import Browser
from tests.e2e.test_pictures import command

PARTS, EACH = 40, 25


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of a thousand modules in forty packages, one cycle among them, and its graph in all forms."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(PARTS):
        package = folder / "big" / f"part{number:02}"
        package.mkdir(parents=True)
        for place in range(EACH - 1):
            below = [f"import big.part{one:02}.m{place}" for one in (2 * number + 1, 2 * number + 2) if one < PARTS]
            inner = [f"from . import m{place + 1}"] if place % 3 == 0 and place < EACH - 2 else []
            (package / f"m{place}.py").write_text("\n".join([*below, *inner, "import json", ""]))
        (package / "__init__.py").write_text("")
    for place in range(EACH - 1):
        (folder / f"first{place}.py").write_text(f"import big.part00.m{place}\n")
    (folder / "app.py").write_text("".join(f"import first{place}\n" for place in range(EACH - 1)) + "import knot\n")
    (folder / "knot.py").write_text("import tie\n")
    (folder / "tie.py").write_text("import decimal\nimport knot\n")
    names = [word for kind in ("html", "svg", "dot", "json") for word in (f"--{kind}", f"app.{kind}")]
    done = command(folder, "graph", "app", *names)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return folder


@pytest.fixture
def page(browser: Browser) -> Browser:
    """The page as it is when it has been opened."""
    browser.run("location.reload()")
    browser.eventually(lambda: browser.run("return document.querySelectorAll('.node').length"), "nodes")
    return browser


def shown(page: Browser) -> list[str]:
    return list(page.run("return [...document.querySelectorAll('.node')].map(one => one.dataset.name)"))


def place(page: Browser, name: str) -> tuple[float, float]:
    box = page.run(f"return drawn.boxes.get('{name}')")
    return float(box[0]), float(box[1])


def test_the_graph_is_that_of_the_projects_own_modules(many: Path) -> None:
    graph = json.loads((many / "app.json").read_text())
    names = {node["name"] for node in graph["nodes"]}
    assert len(names) > 1000
    assert "json" not in names
    cycles = {(one["importer"], one["imported"], one["line"]) for one in graph["links"] if one["cycle"]}
    assert cycles == {("knot", "tie", 1), ("tie", "knot", 2)}
    assert [[step["importer"] for step in cycle] for cycle in graph["cycles"]] in ([["knot", "tie"]], [["tie", "knot"]])
    everything = command(many, "graph", "app", "--all", "--json", "-")
    assert "json" in {node["name"] for node in json.loads(everything.stdout)["nodes"]}
    grouped = json.loads(command(many, "graph", "app", "--group", "--json", "-").stdout)
    assert {"name": "big", "modules": PARTS * EACH + 1} in [
        {"name": node["name"], "modules": node["modules"]} for node in grouped["nodes"]
    ]


def test_svg_and_dot(many: Path) -> None:
    root = ElementTree.parse(many / "app.svg").getroot()
    boxes = root.findall(".//{http://www.w3.org/2000/svg}g")
    assert len(boxes) > 1000
    closing = [one for one in root.iter("{http://www.w3.org/2000/svg}path") if "closes" in one.get("class", "")]
    assert [one[0].text for one in closing] == ["tie imports knot (tie.py:2)"]
    text = (many / "app.dot").read_text()
    assert '"app" -> "first0" [tooltip=' in text
    assert 'label="big"' in text


def test_packages_are_closed_at_first_and_open_by_a_click(page: Browser) -> None:
    before = shown(page)
    assert len(before) < 80
    assert "big.part00" in before or "big" in before
    page.click('.node[data-name="big.part07"] .toggle')
    after = shown(page)
    assert "big.part07.m3" in after
    assert len(after) == len(before) + EACH - 1
    page.click('.node[data-name="big.part07"] .toggle')
    assert sorted(shown(page)) == sorted(before)
    page.click("#open")
    assert len(shown(page)) > 1000


def test_no_link_is_drawn_in_a_layer_of_its_own(page: Browser) -> None:
    """Thousands of them came out as black blocks in the dark, and slowly."""
    page.run("[...document.querySelectorAll('button')].find((one) => one.textContent === 'Open all').click()")
    page.eventually(lambda: page.run("return document.querySelectorAll('.way').length") > 1000, "all links")
    seen = page.run("return [...document.querySelectorAll('.way')].map((one) => getComputedStyle(one).opacity)")
    assert set(seen) == {"1"}


def test_what_is_imported_lies_below(page: Browser) -> None:
    assert place(page, "app")[1] < place(page, "first3")[1] < place(page, "big.part00")[1]
    assert place(page, "knot")[1] < place(page, "tie")[1], "a cycle is cut where it closed"


def test_a_click_shows_imports_and_importers(page: Browser) -> None:
    page.click('.node[data-name="tie"]')
    told = page.text("#details")
    assert "knot" in told
    assert "knot.py:1" in told
    assert "tie.py:2" in told
    near = page.run("return [...document.querySelectorAll('.node.near')].map(one => one.dataset.name)")
    assert sorted(near) == ["knot", "tie"]


def test_a_neighbourhood(page: Browser) -> None:
    page.click('.node[data-name="tie"]')
    page.click("#focus")
    assert sorted(shown(page)) == ["knot", "tie"]
    page.click('#steps button[value="2"]')
    assert sorted(shown(page)) == ["app", "knot", "tie"]
    page.type("Escape")
    assert len(shown(page)) > 40


def test_the_search_opens_what_it_finds(page: Browser) -> None:
    page.type("/")
    page.type(*"part31.m7")
    assert page.text("#found") == "1"
    page.type("Enter")
    assert "big.part31.m7" in shown(page)
    assert page.text("#details h3") == "big.part31.m7"
    assert "part15/m7.py:1" in page.text("#details")
    assert page.run(
        "const stage = document.getElementById('stage').getBoundingClientRect();"
        "const box = document.querySelector('.node.chosen').getBoundingClientRect();"
        "return box.left >= stage.left && box.right <= stage.right"
        " && box.top >= stage.top && box.bottom <= stage.bottom"
    )


def test_cycles(page: Browser) -> None:
    assert page.text("#cycletitle").lower() == "cycles of your own modules (1)"
    page.click("#cycles button")
    lines = page.run("return [...document.querySelectorAll('.way.near title')].map(one => one.textContent)")
    assert sorted(lines) == ["knot imports tie: knot.py:1", "tie imports knot: tie.py:2"]
    page.click("#knots")
    assert sorted(shown(page)) == ["knot", "tie"]


def test_zooming(page: Browser) -> None:
    wide = "return document.querySelector('.node[data-name=app] rect').getBoundingClientRect().width"
    before = page.run(wide)
    page.click("#nearer")
    nearer = page.run(wide)
    page.type("-", "-")
    assert page.run(wide) < before < nearer
    page.type("0")
    assert page.run(wide) == pytest.approx(before, rel=0.01)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "say what to write: --html, --svg, --dot or --json, with FILE; - is standard output"),
        (("--dot", "it.png"), "--dot writes .dot or .gv files, and it.png is called something else"),
    ],
)
def test_what_cannot_be_written(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    (tmp_path / "app.py").write_text("")
    done = command(tmp_path, "graph", "app", *words)
    assert (done.returncode, done.stderr) == (2, f"pepperpy-reload: {told}\n")


def test_scripts_and_what_imports_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "app").mkdir()
    for name in ("__init__", "one", "two"):
        (tmp_path / "app" / f"{name}.py").write_text("")
    (tmp_path / "app.py").write_text("import app.one, app.two\n")
    for words in (("profile", "empty.py"), ("graph", "empty.py"), ("graph", "app.py", "--group")):
        done = command(tmp_path, *words, "--html", f"{words[0]}-{words[1]}.html", "--svg", f"{words[0]}-{words[1]}.svg")
        assert done.returncode == 0, done.stderr
        ElementTree.parse(tmp_path / f"{words[0]}-{words[1]}.svg")
    with Browser() as browser:
        for name in ("profile-empty.py", "graph-empty.py", "graph-app.py"):
            browser.open(tmp_path / f"{name}.html")
            assert browser.complaints() == []
        assert shown(browser) == ["app.py", "app"]
