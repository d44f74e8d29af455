"""The page, and the news that it asks for."""

from pathlib import Path

from counter import counter
from settings import COLOUR, GREETING

WHERE = Path(__file__).parent / "settings.py"

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>pepperpy-reload</title>
<style>
  body { font: 18px/1.6 system-ui, sans-serif; max-width: 40em; margin: 12vh auto; padding: 0 1em; }
  h1 { transition: color .3s; }
  code { background: #eee; padding: .1em .3em; border-radius: .2em; overflow-wrap: anywhere; }
</style>
<h1 id="greeting">...</h1>
<p>This counter lives in memory: <b id="counter">0</b>, counting for <b id="age">0</b> s.</p>
<p>Now edit line <b id="line"></b> of <code id="where"></code> and save it. The text above changes; the counter goes on.
<p>Then try <code>pages.py</code>, or write something that is not Python.
<script>
  const show = (id, text) => { document.getElementById(id).textContent = text; };
  async function ask() {
    try {
      const news = await (await fetch("/news")).json();
      for (const id of ["greeting", "counter", "age", "line", "where"]) show(id, news[id]);
      document.getElementById("greeting").style.color = news.colour;
    } catch (error) {
      show("greeting", "(no answer)");
    }
    setTimeout(ask, 300);
  }
  ask();
</script>
"""


def news() -> dict[str, object]:
    """What the page shows."""
    return {
        "greeting": GREETING,
        "colour": COLOUR,
        "counter": counter.up(),
        "age": counter.age(),
        "where": str(WHERE),
        "line": line_of("GREETING"),
    }


def line_of(name: str) -> int:
    """The line of settings.py that sets `name`."""
    lines = WHERE.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.startswith(name)), 1)
