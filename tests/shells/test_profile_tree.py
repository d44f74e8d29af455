"""`profile_tree`: the tree that `profile` shows of the same modules in a fresh process, and times that add up."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Python

FILES = {
    "app.py": "import shop.prices\nimport other\nimport fails\nimport shop.prices\n",
    "shop/__init__.py": "from . import rates\n",
    "shop/rates.py": "import shop.prices\n",
    "shop/prices.py": "import colorsys\n",
    "other.py": """
        import threading
        thread = threading.Thread(target=__import__, args=("aside",))
        thread.start()
        thread.join()
    """,
    "aside.py": "import shop.rates, shop.late\n",
    "shop/late.py": "",
    "fails.py": "try:\n    import broken\nexcept ImportError:\n    import colorsys\n",
    "broken.py": "import shop.more\nimport not_there\n",
    "shop/more.py": "",
}


def test_the_tree_is_that_of_a_profile_and_its_times_add_up(python: Python) -> None:
    told = python.armed(
        """
        import json, threading
        optimizer.install()
        import app
        tree = optimizer.profile_tree()
        print(json.dumps([node.as_json() for node in tree]), file=open("tree.json", "w"))
        for node in tree.walk():
            inside = sum(child.duration for child in node.children)
            assert node.self_time >= 0 and abs(node.duration - node.self_time - inside) < 1e-6, node
        profiles = optimizer.get_import_profiles()
        assert abs(sum(one.self_time for one in profiles["profiles"].values()) - tree.total) < 1e-6
        assert abs(profiles["analysis"]["total_duration"] - tree.total) < 1e-6
        assert profiles["profiles"]["shop.prices"].dependencies == {"shop", "colorsys"}
        nodes = {}
        for node in tree.walk():
            nodes.setdefault(node.module, node)
        assert nodes["colorsys"].exclusive == nodes["colorsys"].self_time
        assert nodes["app"].exclusive > nodes["other"].exclusive >= nodes["other"].self_time
        assert (nodes["shop"].file, nodes["shop"].line) == (app.__file__, 1), nodes["shop"]
        assert nodes["broken"].error == "ModuleNotFoundError: No module named 'not_there'"
        print(tree)
        """,
        FILES,
    ).stdout

    def children(nodes: list[dict[str, object]]) -> dict[tuple[str, int], list[str]]:
        found: dict[tuple[str, int], list[str]] = {}
        waiting = list(nodes)
        while waiting:
            one: dict[str, list[dict[str, str]]] = waiting.pop(0)  # type: ignore[assignment]
            key = str(one["module"])
            found[key, sum(other == key for other, _ in found)] = [child["module"] for child in one["children"]]
            waiting = [*one["children"], *waiting]  # type: ignore[list-item]
        return found

    tops = json.loads((python.path / "tree.json").read_text())
    here = children(tops)
    fresh = json.loads(python("-m", "pepperpy_reload", "profile", "app", "--json").stdout)["modules"]
    modules = [one["module"] for one in fresh]
    places = [(name, modules[:number].count(name)) for number, name in enumerate(modules)]
    rows: dict[tuple[str, int], list[str]] = {place: [] for place in places}
    for one in fresh:
        if one["parent"] >= 0 and one["module"] != "threading":  # which we load ourselves
            rows[places[one["parent"]]].append(one["module"])
    ours = {place: row for place, row in rows.items() if place[0].split(".")[0] in {"app", "shop", "other", "fails"}}
    assert {place: here[place] for place in ours} == ours
    assert "aside" in modules
    lines = told.splitlines()
    assert re.fullmatch(rf"{sum(map(len, here.values())) + len(tops)} modules in \d+\.\d{{3}} s", lines[0]), lines[0]
    assert any(line.split()[3:4] == ["app"] for line in lines), told
