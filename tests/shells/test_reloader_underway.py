"""Code that runs during a reload: a call that ends runs the new code next time; a loop that does not asks for more."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.shells.conftest import Reloads

WAITING = """
def wait_until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)
"""

LOOPS = """
    import time
    stop = []
    seen = []
    def step():
        return 1
    def loop():
        while not stop:
            seen.append(step())
            time.sleep(0.001)
    def outer():
        loop()
        seen.append("ended")
    def once():
        time.sleep(0.05)
        return 1
    def again():
        while not stop:
            seen.append(once())
"""


@pytest.mark.parametrize(
    ("target", "edit", "running"),
    [
        ("loop", ("step())", "step() + 1)"), "app.loop"),
        ("outer", ("step())", "step() + 1)"), "app.loop"),
        ("outer", ('"ended"', '"over"'), "app.outer"),
        ("loop", ("def loop", "def circle"), "app.loop"),
    ],
)
def test_a_loop_in_a_thread_goes_on_with_its_old_code(
    reloads: Reloads, target: str, edit: tuple[str, str], running: str
) -> None:
    script = (
        """
        import app, threading, time
        thread = threading.Thread(target=app.TARGET, name="worker")
        thread.start()
        wait_until(lambda: app.seen)
        report = change("app.py", *EDIT)
        assert report.status == "restart" and report.reason.startswith("RUNNING is running (app.py:"), report
        assert "thread worker" in report.reason, report
        again = reloader.apply([])
        assert again.status == "restart" and again.reason == report.reason and reloader.pending, again
        app.stop.append(True)
        thread.join()
        report = reloader.apply([])
        assert report.status == "unchanged" and not reloader.pending, report
    """.replace("TARGET", target)
        .replace("EDIT", repr(edit))
        .replace("RUNNING", running)
    )
    reloads(WAITING + textwrap.dedent(script), {"app.py": LOOPS})


def test_a_call_that_ends_does_not_hinder_a_reload(reloads: Reloads) -> None:
    script = """
        import app, threading, time
        threads = [threading.Thread(target=app.loop), threading.Thread(target=app.again)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(app.seen) > 5)
        for number in range(2, 6):
            report = change("app.py", f"return {number - 1}", f"return {number}")
            assert report.status == "reloaded", report
            wait_until(lambda: app.seen[-1] == number)
        app.stop.append(True)
        for thread in threads:
            thread.join()
    """
    reloads(WAITING + textwrap.dedent(script), {"app.py": LOOPS})


def test_a_task_of_the_programs_own(reloads: Reloads) -> None:
    reloads(
        """
        import app, asyncio
        from pepperpy_reload import Reloader
        async def main():
            global reloader
            reloader = Reloader(optimizer, gate=asyncio.get_running_loop())
            task = asyncio.create_task(app.ticks(), name="ticker")
            single = asyncio.create_task(app.single())
            while not app.seen:
                await asyncio.sleep(0)
            report = change("app.py", "return 'old'", "return 'new'")
            assert report.status == "reloaded", report
            report = change("app.py", "seen.append(1)", "seen.append(2)")
            assert report.status == "restart" and report.reason.startswith("app.ticks is running (app.py:"), report
            assert "task ticker" in report.reason, report
            app.go.set()
            assert await single == "old"
            app.stop.append(True)
            await task
            assert reloader.apply([]).status == "unchanged"
        asyncio.run(main())
        """,
        {
            "app.py": """
                import asyncio
                stop = []
                seen = []
                go = asyncio.Event()
                async def ticks():
                    while not stop:
                        seen.append(1)
                        await asyncio.sleep(0.001)
                async def single():
                    await go.wait()
                    return 'old'
            """,
        },
    )
