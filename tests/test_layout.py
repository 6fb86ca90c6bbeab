"""The architecture as tests: sizes, names, docstrings, light import."""

import ast
import inspect
import re
import subprocess
import sys
import textwrap
from importlib.metadata import version
from pathlib import Path

import pytest

import tastemap

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src" / "tastemap").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MODULE_LINES = 400
FUNCTION_LINES = 60
NAMELESS = {"utils", "util", "helpers", "helper", "base", "common", "core", "misc", "tools"}
HEAD = re.compile(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: ?: ?[^\n]*)?\n {2,}\S", flags=re.M)
HEAVY = (
    "numba",
    "torch",
    "numpy",
    "duckdb",
    "scipy",
    "narwhals",
    "pandas",
    "polars",
    "tqdm",
    "jaxtyping",
)


def name_of(path):
    return str(path.relative_to(ROOT))


def too_long(text, limit=FUNCTION_LINES):
    """Functions of more than `limit` lines, docstrings not counted: {name: lines}."""
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                lines -= node.body[0].end_lineno - node.body[0].lineno + 1
            if lines > limit:
                found[node.name] = lines
    return found


def public_definitions(tree, prefix=""):
    """Public classes and functions, methods included, as (dotted name, node)."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if any(ast.unparse(d).endswith(("overload", ".setter")) for d in node.decorator_list):
                continue
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node, f"{prefix}{node.name}.")


def documented_parameters(docstring):
    """Names in the numpydoc section Parameters: lines of names above an indented text."""
    parts = re.split(r"^([A-Z][a-z]+)\n-{3,}$", inspect.cleandoc(docstring), flags=re.M)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    heads = HEAD.findall(sections.get("Parameters", ""))
    return [name.strip().lstrip("*") for head in heads for name in head.split(",")]


def parameters(node):
    """What a definition takes: a function's arguments, a class's fields or its __init__'s."""
    if isinstance(node, ast.ClassDef):
        fields = [n.target.id for n in node.body if isinstance(n, ast.AnnAssign)]
        fields += [n.name for n in node.body if isinstance(n, ast.FunctionDef) and _is_property(n)]
        made = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
        return set(fields).union(*(parameters(one) for one in made))
    taken = node.args
    every = [*taken.posonlyargs, *taken.args, *taken.kwonlyargs, taken.vararg, taken.kwarg]
    return {one.arg for one in every if one is not None}


def _is_property(node):
    return any("property" in ast.unparse(decorator) for decorator in node.decorator_list)


def docstring_faults(text):
    """What is wrong with the docstrings of a module's public definitions."""
    tree = ast.parse(text)
    faults = [] if ast.get_docstring(tree) else ["the module has no docstring"]
    for name, node in public_definitions(tree):
        docstring = ast.get_docstring(node)
        if not docstring:
            faults.append(f"{name} has no docstring")
            continue
        strangers = set(documented_parameters(docstring)) - parameters(node)
        faults += [f"{name} documents {one}, which it does not take" for one in sorted(strangers)]
    return faults


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_module_is_short_and_so_are_its_functions(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MODULE_LINES
    assert too_long(text) == {}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_public_docstrings_name_parameters_that_exist(path):
    assert docstring_faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=name_of)
def test_a_module_is_named_after_its_idea(path):
    assert path.stem.removeprefix("test_") not in NAMELESS


def test_the_size_check_can_fail():
    body = "\n".join(["    x = 1"] * 61)
    assert too_long(f"def long():\n{body}\n") == {"long": 62}
    assert too_long(f'def short():\n    """{body}\n    """\n    x = 1\n') == {}


def test_the_docstring_check_can_fail():
    text = textwrap.dedent('''
        def good(a, *, b=1):
            """Do.

            Parameters
            ----------
            a, b
                Two things.

            Returns
            -------
            nothing
                At all.
            """
        def stranger(a):
            """Do.

            Parameters
            ----------
            c : int
                Not taken.
            """
        def bare(): ...
        def _private(): ...
        class Thing:
            """A thing.

            Parameters
            ----------
            size
                A field.
            gone
                Not one.
            """
            size: int
            def method(self): ...
    ''')
    assert docstring_faults(text) == [
        "the module has no docstring",
        "stranger documents c, which it does not take",
        "bare has no docstring",
        "Thing documents gone, which it does not take",
        "Thing.method has no docstring",
    ]


def loaded_by(code):
    """Which of the heavy packages a fresh interpreter holds after running `code`."""
    shown = f"{code}\nimport sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_importing_tastemap_loads_nothing_heavy():
    assert loaded_by("import tastemap") == []
    assert loaded_by("import tastemap; dir(tastemap); tastemap.__version__") == []


def test_a_fit_and_its_lists_load_neither_scipy_nor_jaxtyping():
    run = (
        "import tastemap as tm; log = tm.Interactions.of([('ann', 'tea'), ('bob', 'jam')]); "
        "tm.ALS(factors=2, epochs=1).fit(log).recommend(k=1)"
    )
    assert {"scipy.sparse", "scipy.linalg", "jaxtyping"}.isdisjoint(loaded_by(run))


def test_the_import_check_can_fail():
    assert "numpy" in loaded_by("import tastemap; tastemap.Interactions")


@pytest.mark.parametrize("name", tastemap.__all__)
def test_every_public_name_exists(name):
    assert getattr(tastemap, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'tastemap' has no attribute 'nothing'"):
        _ = tastemap.nothing


def test_the_public_names_have_docstrings_that_a_user_can_ask_for():
    for name in tastemap.__all__:
        thing = getattr(tastemap, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), name


def test_the_version_is_the_one_of_the_package():
    assert tastemap.__version__ == version("tastemap")
