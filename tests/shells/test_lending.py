"""What one worker tells another of what it runs, so that both run the same whatever the files hold by now."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Python

FILES = {"one.py": "X = 1\n", "two.py": "import one\nY = one.X\n"}


def test_only_what_differs_from_the_disk_is_lent(python: Python) -> None:
    python.armed(
        """
        import two
        from pepperpy_reload.supervising.lending import differing, received
        assert differing() == {}
        save("one.py", "X = = 1\\n")
        lent = received(differing())
        assert [(pathlib.Path(path).name, text) for path, text in lent.items()] == [("one.py", b"X = 1\\n")]
        os.unlink("two.py")
        assert len(differing()) == 2
        """,
        FILES,
    )


def test_a_lent_file_is_loaded_as_it_was_and_left_to_the_next_batch(python: Python) -> None:
    python.armed(
        """
        from pepperpy_reload import Reloader
        from pepperpy_reload.importing import bytecode
        bytecode.lend({os.path.abspath("one.py"): b"X = 1\\n"})
        import two
        assert two.Y == 1
        assert bytecode.is_lent()
        bytecode.lend({})
        reloader = Reloader(optimizer, roots=["."])
        reloader.postpone()
        assert {pathlib.Path(path).name for path in reloader.pending} == {"one.py"}
        save("one.py", "X = 2\\n")
        report = reloader.apply([])
        assert report.status == "reloaded", report
        assert two.Y == 2
        """,
        FILES | {"one.py": "X = = 1\n"},
    )


def test_a_file_that_is_being_saved_again_is_left_alone(python: Python) -> None:
    python.armed(
        """
        import one
        from pepperpy_reload.supervising.lending import digests, taken_up
        done = []
        path = os.path.abspath("one.py")
        agreed = digests([path])
        assert list(agreed) == [path]
        said = taken_up(lambda: done.append("work"), lambda: done.append("left"), [path], agreed)
        assert (said["overtaken"], said["digests"], done) == (False, agreed, ["work"])
        save("one.py", "")
        said = taken_up(lambda: done.append("work"), lambda: done.append("left"), [path], agreed)
        assert (said["overtaken"], done) == (True, ["work", "left"])
        assert digests([path]) == agreed
        os.unlink("one.py")
        assert taken_up(lambda: None, lambda: None, [path], agreed)["overtaken"]
        """,
        FILES,
    )


def test_what_was_saved_while_it_was_taken_up_is_noticed(python: Python) -> None:
    python.armed(
        """
        import one
        from pepperpy_reload import Reloader
        from pepperpy_reload.supervising.lending import digests, taken_up
        path = os.path.abspath("one.py")
        agreed = digests([path])
        reloader = Reloader(optimizer, roots=["."])

        def work():
            save("one.py", "X = 3\\n")
            reloader.apply([path])

        said = taken_up(work, lambda: None, [path], agreed)
        assert said["overtaken"]
        assert one.X == 3
        assert said["digests"] == digests([path]) != agreed
        """,
        FILES,
    )
