"""Names in annotations that are text, and that whoever makes a class looks up before they are bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

MODELS = """\
import sys

class Meta(type):
    def __init__(cls, *args):
        super().__init__(*args)
        cls.complete()
    def complete(cls):
        space = vars(sys.modules[cls.__module__])
        hints = [hint for hint in cls.__dict__.get("__annotations__", {}).values() if isinstance(hint, str)]
        cls.meant = {hint: space.get(hint) for hint in hints}
    model_rebuild = complete

class Model(metaclass=Meta):
    pass
"""
APP = """\
from models import Model
class One(Model):
    other: "Other"
    size = 1
class Other(Model):
    one: "One"
Either = One | Other
One.model_rebuild()
"""
LATE = """\
from models import Model
class One(Model):
    other: "Either"
    size = 1
Either = One | None
"""
HINTS = """\
import sys

def known(cls):
    space = vars(sys.modules[cls.__module__])
    hints = vars(cls).get("__annotations__", {})
    return {name: eval(hint, {**space, "__name__": __name__}) for name, hint in hints.items() if hint in space}
"""
BASES = """\
import hints

class Base:
    def __init_subclass__(cls):
        cls.known = hints.known(cls)

class Meta(type):
    def __init__(cls, *args):
        super().__init__(*args)
        cls.known = hints.known(cls)

def told(cls):
    cls.known = hints.known(cls)
    return cls
"""
NODE = """\
from bases import Base, Meta, told
class Leaf:
    pass
HEAD
    above: "Node"
    leaf: "Leaf"
    size = 1
    def twice(self):
        return self.size
ROOT = Node()
"""
HEADS = {"base": "class Node(Base):", "metaclass": "class Node(metaclass=Meta):", "decorator": "@told\nclass Node:"}


@pytest.mark.parametrize("whole", ["", "globals()\n"])
@pytest.mark.parametrize("head", HEADS)
def test_no_class_finds_the_one_before_it_under_its_own_name(reloads: Reloads, head: str, whole: str) -> None:
    reloads(
        """
        import node
        assert node.Node.known == {"leaf": node.Leaf}
        report = change("node.py", "size = 1", "size = 2")
        assert report.status == "reloaded" and node.Node.size == 2, report
        assert node.Node.known == {"leaf": node.Leaf} and type(node.ROOT) is node.Node
        report = change("node.py", "return self.size", "return self.size * 2")
        assert report.status == "reloaded" and node.ROOT.twice() == 4, report
        assert node.Node.known == {"leaf": node.Leaf} and type(node.ROOT) is node.Node
        """,
        {"hints.py": HINTS, "bases.py": BASES, "node.py": NODE.replace("HEAD", HEADS[head]) + whole},
    )


def test_what_is_missing_for_its_own_sake_has_instances_that_follow(reloads: Reloads) -> None:
    reloads(
        """
        import node
        made = node.Node()
        report = change("node.py", "size = 1", "size = 2")
        assert report.status == "reloaded" and type(made) is node.Node and made.size == 2, report
        """,
        {"hints.py": HINTS, "bases.py": BASES, "node.py": NODE.replace("HEAD", HEADS["metaclass"])},
    )


def test_a_model_that_names_itself_is_made_again_beside_a_busy_thread(reloads: Reloads) -> None:
    reloads(
        """
        import app, threading
        over = threading.Event()
        thread = threading.Thread(target=lambda: over.wait(60), name="busy")
        thread.start()
        report = change("app.py", "size: int = 1", "size: int = 2")
        over.set()
        thread.join()
        assert report.status == "reloaded", report
        assert app.Node.model_validate({"child": {"size": 3}}).child == app.Node(size=3)
        """,
        {
            "app.py": """
                from pydantic import BaseModel
                class Node(BaseModel):
                    child: "Node | None" = None
                    size: int = 1
            """,
        },
    )


@pytest.mark.parametrize("postponed", ["", "from __future__ import annotations\n"])
def test_what_is_bound_later_is_not_found_as_in_a_fresh_start(reloads: Reloads, postponed: str) -> None:
    reloads(
        """
        import app
        assert app.One.meant == {"Other": app.Other} and app.Other.meant == {"One": app.One}
        report = change("app.py", "size = 1", "size = 2")
        assert report.status == "reloaded", report
        assert app.One.meant == {"Other": app.Other} and app.Other.meant == {"One": app.One} and app.One.size == 2
        assert app.Either == app.One | app.Other
        """,
        {"models.py": MODELS, "app.py": postponed + (APP.replace('"', "") if postponed else APP)},
    )
    reloads(
        """
        import app
        assert app.One.meant == {"Either": None}
        report = change("app.py", "size = 1", "size = 2")
        assert report.status == "reloaded", report
        assert app.One.meant == {"Either": None} and app.Either == app.One | None
        """,
        {"models.py": MODELS, "app.py": postponed + (LATE.replace('"', "") if postponed else LATE)},
    )


def test_what_is_missing_is_missing_for_those_that_look_through_others_too(reloads: Reloads) -> None:
    reloads(
        """
        import app
        def known():
            whole, part, one = app.Whole, app.Part, app.One
            return [kind.__pydantic_complete__ for kind in (one, part, whole)], "__signature__" in vars(whole)
        before = known()
        report = change("app.py", "size: int = 1", "size: int = 2")
        assert report.status == "reloaded" and app.One().size == 2, report
        assert known() == before == ([True, True, False], False), (before, known())
        assert app.Whole(part={"one": {"size": 3}}).part.one.size == 3
        """,
        {
            "app.py": """
                from pydantic import BaseModel
                class One(BaseModel):
                    size: int = 1
                class Part(BaseModel):
                    one: One
                    other: "Other | None" = None
                class Whole(BaseModel):
                    part: Part
                class Other(BaseModel):
                    name: str = ""
                Part.model_rebuild()
            """,
        },
    )


def test_nothing_is_hidden_from_a_thread_that_goes_on_by_itself(reloads: Reloads) -> None:
    reloads(
        """
        import app, threading
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(1) as pool:
            pool.submit(int).result()
            report = change("app.py", "size = 1", "size = 2")
            assert report.status == "reloaded", report
        over = threading.Event()
        thread = threading.Thread(target=lambda: over.wait(60), name="busy")
        thread.start()
        report = change("app.py", "size = 2", "size = 3")
        over.set()
        thread.join()
        assert report.status == "restart" and "app:2 looks up Either" in report.reason, report
        assert "thread busy" in report.reason and app.One.size == 2 and app.Either == app.One | None
        """,
        {"models.py": MODELS, "app.py": LATE},
    )


def test_a_thread_that_waits_for_another_one_to_wake_it_misses_nothing(reloads: Reloads) -> None:
    reloads(
        """
        import app, queue, threading
        done, jobs, going, over = [], queue.Queue(), threading.Event(), threading.Event()
        def work():
            while (job := jobs.get()) is not None:
                done.append(job)
        def wait():
            going.wait()
            over.wait()
        threads = [threading.Thread(target=one, name=one.__name__) for one in (work, wait)]
        for thread in threads:
            thread.start()
        while not (jobs.not_empty._waiters and going._cond._waiters):
            threads[0].join(0.001)
        report = change("app.py", "size = 1", "size = 2")
        jobs.put(1)
        jobs.put(None)
        going.set()
        over.set()
        for thread in threads:
            thread.join()
        assert report.status == "reloaded" and done == [1], report
        """,
        {"models.py": MODELS, "app.py": LATE},
    )
