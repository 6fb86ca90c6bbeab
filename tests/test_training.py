"""Epochs, their log, the bar and when to stop."""

import json
import os
import re
import subprocess
import sys
import termios

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemap.training import Convergence, Epoch, TrainingLog, run_epochs


def curve(*values, name="train_auc"):
    """Epochs from 1 on with these values."""
    return [Epoch(n, 0.5, {name: value}) for n, value in enumerate(values, 1)]


def stops_at(monitor, *values, name="train_auc"):
    """The epoch after which a monitor ends training, or None."""
    return next((e.number for e in curve(*values, name=name) if monitor(e)), None)


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.dictionaries(st.text(max_size=5), NUMBERS, max_size=3)
EPOCHS = st.tuples(st.integers(1, 999), NUMBERS, VALUES).map(lambda parts: Epoch(*parts))


@given(st.lists(EPOCHS, max_size=4).map(tuple), st.lists(st.text()).map(tuple))
def test_a_log_comes_back_from_json_as_it_was(epochs, notes):
    log = TrainingLog(epochs, notes)
    text = json.dumps(log.to_json(), allow_nan=False)
    assert TrainingLog.from_json(json.loads(text)) == log


def test_a_log_in_json_is_plain():
    log = TrainingLog((Epoch(1, 0.25, {"loss": 2.0}),), ("stopped",))
    assert log.to_json() == {
        "epochs": [{"number": 1, "seconds": 0.25, "values": {"loss": 2.0}}],
        "notes": ["stopped"],
    }


def test_curves_leave_out_epochs_that_lack_the_value():
    log = TrainingLog((Epoch(1, 1.0, {"a": 1}), Epoch(2, 2.0, {}), Epoch(3, 0.5, {"a": 3, "b": 0})))
    assert log.curve("a") == [1, 3]
    assert log.last("a") == 3
    assert log.last("b") == 0
    assert log.curve("c") == []
    assert log.last("c") is None
    assert log.seconds == 3.5
    assert TrainingLog().seconds == 0


def test_convergence_stops_when_the_gain_is_below_half_a_point():
    assert stops_at(Convergence(patience=1, every=1), 0.5, 0.6, 0.6049) == 3
    assert stops_at(Convergence(patience=1, every=1), 0.5, 0.6, 0.605, 0.610, 0.6149) == 5


def test_convergence_waits_for_its_patience_and_a_gain_resets_it():
    flat = [0.5, 0.5, 0.5, 0.5]
    assert stops_at(Convergence(patience=2, every=1), *flat) == 3
    assert stops_at(Convergence(patience=3, every=1), *flat) == 4
    assert stops_at(Convergence(patience=2, every=1), 0.5, 0.5, 0.6, 0.6, 0.6) == 5


def test_small_gains_add_up_against_the_last_real_gain():
    slow = [0.5 + 0.002 * n for n in range(9)]  # half a point every three epochs
    assert stops_at(Convergence(patience=3, every=1), *slow) is None
    assert stops_at(Convergence(patience=2, every=1), *slow) == 3


def test_convergence_looks_only_at_every_nth_epoch():
    values = [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    assert stops_at(Convergence(patience=1, every=3), *values) == 6
    assert stops_at(Convergence(patience=1, every=2), *values) == 4


def test_convergence_by_default_checks_every_five_epochs_and_wants_two_flat_checks():
    assert stops_at(Convergence(), *[0.5] * 40) == 15
    assert stops_at(Convergence(), *[0.5 + 0.001 * n for n in range(40)]) is None


def test_convergence_ignores_epochs_without_its_value():
    assert stops_at(Convergence(patience=1, every=1), 1.0, 1.0, 1.0, name="loss") is None
    assert stops_at(Convergence(patience=1, value="loss", every=1), 1.0, 1.0, name="loss") == 2


def test_one_monitor_serves_several_fits():
    monitor = Convergence(patience=1, every=1)
    assert stops_at(monitor, 0.9, 0.9) == 2
    assert stops_at(monitor, 0.5, 0.6, 0.7) is None
    assert stops_at(monitor, 0.5, 0.5) == 2


def test_the_reason_of_convergence_has_its_numbers():
    monitor = Convergence(min_gain=0.01, patience=2, every=1)
    reasons = [monitor(epoch) for epoch in curve(0.5, 0.5049, 0.5099)]
    assert reasons == [
        None,
        None,
        "converged: train_auc gained less than 0.01 in 2 checks (50.99%)",
    ]


def test_every_epoch_is_run_once_in_order_and_kept():
    asked = []

    def step(number):
        asked.append(number)
        return {"loss": 1 / number}

    log = run_epochs(step, 3, name="X")
    assert asked == [1, 2, 3]
    assert [epoch.number for epoch in log.epochs] == [1, 2, 3]
    assert log.curve("loss") == [1, 1 / 2, 1 / 3]
    assert log.notes == ()
    assert all(epoch.seconds >= 0 for epoch in log.epochs)


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        ("good enough", "good enough, after epoch 2 of 5"),
        (True, "stopped by the monitor, after epoch 2 of 5"),
    ],
)
def test_a_monitor_ends_training_and_the_log_says_why(answer, note):
    seen = []

    def monitor(epoch):
        seen.append(dict(epoch.values))
        return answer if epoch.number == 2 else None

    log = run_epochs(lambda number: {"n": number}, 5, name="X", monitor=monitor)
    assert seen == [{"n": 1}, {"n": 2}]
    assert len(log.epochs) == 2
    assert log.notes == (note,)


def test_a_monitor_that_answers_false_lets_training_go_on():
    log = run_epochs(lambda number: {}, 2, name="X", monitor=lambda epoch: False)
    assert len(log.epochs) == 2
    assert log.notes == ()


def test_no_epochs_give_an_empty_log():
    assert run_epochs(lambda number: {}, 0, name="X") == TrainingLog()


FIT = """
from tastemap.training import run_epochs

def step(number):
    return {"train_auc": 0.9696, "skipped": 0.228} if number > 1 else {}

for name in ("BPR", "again"):
    run_epochs(step, 50, name=name, legend="train_auc: share of pairs in order",
               monitor=lambda epoch: "enough" if name == "again" and epoch.number == 2 else None)
print("done")
"""


def run_on_terminal(code):
    """What a program writes to stdout (a pipe) and to stderr (a terminal)."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux says so where others return nothing: the other end is closed
            break
        if not part:
            break
        written += part
    os.close(ours)
    with child:
        out = child.stdout.read()
    assert child.returncode == 0, written.decode()
    return out, written.decode()


def test_on_a_terminal_the_bar_shows_auc_and_skips():
    out, err = run_on_terminal(FIT)
    assert out == "done\n"
    lines = [line.strip() for line in re.split(r"[\r\n]+", err) if line.strip()]
    assert "BPR: 100%|██████████| 50/50 [train_auc=96.96%, skipped=22.80%]" in lines
    assert lines.count("train_auc: share of pairs in order") == 1  # once a process
    assert "again: enough, after epoch 2 of 50" in lines
    assert any(line.startswith("again:   4%|") for line in lines)
    assert "s/iteration" in run_on_terminal(FIT.replace("if number > 1 else {}", "if 0 else {}"))[1]


def test_in_a_pipe_there_is_no_bar():
    done = subprocess.run([sys.executable, "-c", FIT], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("done\n", "")
