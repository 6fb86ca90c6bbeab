"""The documentation is true: its Python runs, its links lead somewhere."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^( *)```(python[^\n]*)\n(.*?)^\1```\s*$", re.M | re.S)
FENCED = re.compile(r"^( *)```.*?^\1```\s*$", re.M | re.S)
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)|(?:src|href)=\"([^\"]+)\"")


def name_of(page):
    return str(page.relative_to(ROOT))


def python_blocks(text):
    """(line of the first statement, code) of every ```python block that is meant to run."""
    for block in BLOCK.finditer(text):
        indent, label, code = block.groups()
        if label.split()[1:] != ["no-run"]:
            lines = [line.removeprefix(indent) for line in code.splitlines()]
            yield text.count("\n", 0, block.start(3)) + 1, "\n".join(lines)


def run_blocks(text, name):
    """Run all blocks of a page in one namespace; tracebacks show the page's own lines."""
    namespace = {"__name__": "__main__"}
    for line, code in python_blocks(text):
        exec(compile("\n" * (line - 1) + code, name, "exec"), namespace)


def slug(heading):
    """The anchor that a heading gets on the usual hosts."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(text):
    """Every anchor of a page: its headings and what it names itself."""
    plain = FENCED.sub("", text)
    headings = re.findall(r"^#{1,6} +(.+?) *#*$", plain, re.M)
    return {slug(one) for one in headings} | set(re.findall(r"(?:id|name)=\"([^\"]+)\"", plain))


def broken_links(page):
    """Relative links of a page that lead nowhere."""
    text = page.read_text(encoding="utf-8")
    broken = []
    for link in LINK.finditer(re.sub(r"`[^`\n]*`", "", FENCED.sub("", text))):
        target = link.group(1) or link.group(2)
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        markdown = path.suffix == ".md"
        if not path.exists() or (
            anchor and markdown and anchor not in anchors(path.read_text(encoding="utf-8"))
        ):
            broken.append(target)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_python_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_blocks(page.read_text(encoding="utf-8"), str(page))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_relative_links_of_a_page_lead_somewhere(page):
    assert broken_links(page) == []


PAGE = """# A page

```python
x = 1
```

```python no-run
raise SystemExit
```

* in a list

  ```python
  y = x + 1
  if y == 2:
      raise KeyError("here")
  ```

```
not python
```
"""


def test_blocks_share_a_namespace_and_show_the_line_of_the_page():
    assert [line for line, _ in python_blocks(PAGE)] == [4, 14]
    with pytest.raises(KeyError, match="here") as caught:
        run_blocks(PAGE, "page.md")
    assert caught.traceback[-1].lineno + 1 == 16


def test_a_broken_link_is_found(tmp_path):
    (tmp_path / "other.md").write_text("## The other: page\n")
    page = tmp_path / "page.md"
    page.write_text(
        "# Top\n[good](other.md#the-other-page) [top](#top) [web](https://example.org/x) "
        '![picture](gone.png) [bad](other.md#nowhere) [lost](lost.md "title")\n'
        '<img src="gone.svg"> `[code](no)`\n```\n[fenced](no)\n```\n'
    )
    assert broken_links(page) == ["gone.png", "other.md#nowhere", "lost.md", "gone.svg"]


def test_there_is_a_readme_with_code_in_it():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert list(python_blocks(text))


def test_the_page_of_metrics_is_what_the_code_says():
    spec = importlib.util.spec_from_file_location("metrics_page", ROOT / "docs" / "metrics.py")
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    assert generator.PAGE.read_text(encoding="utf-8") == generator.page(), (
        "run: python docs/metrics.py"
    )
