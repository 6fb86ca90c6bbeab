"""One t-SNE a perplexity, side by side, each with what it keeps."""

import sys
from xml.etree import ElementTree

import numpy as np
import pytest

import tastemap as tm
from tastemap import MissingExtra, UsageError
from tastemap.maps.sweep import perplexity_sweep
from tastemap.maps.tsne import tsne

FEW = {"iterations": 60, "seed": 3}


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(0)
    centres = 4 * rng.standard_normal((4, 8))
    return (centres[np.arange(120) % 4] + rng.standard_normal((120, 8))).astype(np.float32)


@pytest.fixture(scope="module")
def swept(vectors, tmp_path_factory):
    path = tmp_path_factory.mktemp("sweep") / "sweep.svg"
    return perplexity_sweep(vectors, perplexities=(4, 12, 30), path=path, **FEW), path


def test_each_panel_is_what_tsne_alone_gives(vectors, swept):
    sweep, _ = swept
    for perplexity, layout in zip((4, 12, 30), sweep.layouts, strict=True):
        alone = tsne(vectors, perplexity=perplexity, **FEW)
        # Neighbours shared with a larger perplexity are the same neighbours.
        np.testing.assert_array_equal(layout.xy, alone)
        assert layout.settings["perplexity"] == perplexity


def test_the_share_kept_is_that_of_the_true_neighbours(vectors, swept):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    near = np.argsort(-(unit @ unit.T) + 9 * np.eye(120), axis=1)[:, :10]
    for layout in swept[0].layouts:
        apart = ((layout.xy[:, None] - layout.xy[None]) ** 2).sum(axis=2) + 1e9 * np.eye(120)
        found = np.argsort(apart, axis=1)[:, :10]
        kept = np.mean([len({*a} & {*b}) / 10 for a, b in zip(near, found, strict=True)])
        assert layout.fidelity.kept == pytest.approx(kept, abs=0.005)


def test_the_picture_has_a_panel_each_with_its_words(swept):
    sweep, path = swept
    root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    lines = ["".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")]
    said = " ".join(lines)
    for perplexity, layout in zip((4, 12, 30), sweep.layouts, strict=True):
        assert f"perplexity {perplexity}" in lines
        kept = f"{100 * layout.fidelity.kept:.0f} %"
        assert f"It keeps {kept} of each item's 10 nearest neighbours" in said
        assert layout.shape.sentence in said
    assert "Distances between groups and sizes of groups mean nothing." in said
    points = [len(axes.collections[0].get_offsets()) for axes in sweep.figure.axes]
    assert points == [120, 120, 120]
    assert sweep.best in (4, 12, 30)
    assert "perplexity 12: It keeps" in str(sweep)
    assert sweep._repr_png_()[:4] == b"\x89PNG"


def test_a_model_is_drawn_with_its_popularity(tmp_path):
    model = tm.ALS(factors=6).fit(tm.synthetic.taste_groups(seed=1), seed=1)
    sweep = perplexity_sweep(model, perplexities=[8], path=tmp_path / "a.png", **FEW)
    assert len(sweep.figure.axes) == 2  # a panel and the key
    assert "ALS" in sweep.title
    again = perplexity_sweep(model, perplexities=[8], path=tmp_path / "b.png", **FEW)
    np.testing.assert_array_equal(sweep.layouts[0].xy, again.layouts[0].xy)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    ("perplexities", "said"),
    [
        ((5, 40), r"perplexity=40 for 120 items\n  allowed: from 1 to 39\.6"),
        ((0.5,), "perplexity=0.5"),
        ((), "0 perplexities"),
        (range(1, 8), "7 perplexities"),
    ],
)
def test_perplexities_out_of_range_are_refused(vectors, perplexities, said):
    with pytest.raises(UsageError, match=said):
        perplexity_sweep(vectors, perplexities=perplexities)


def test_without_the_extra_it_is_named(vectors, monkeypatch):
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(MissingExtra, match=r"tastemap\[maps\]"):
        perplexity_sweep(vectors, perplexities=[5])
