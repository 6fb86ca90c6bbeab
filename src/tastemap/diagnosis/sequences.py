"""Rules about what a sequential model is fed: padding, order, targets."""

import numpy as np

from tastemap.diagnosis.evidence import Evidence
from tastemap.diagnosis.finding import NotApplicable, Rule, Seen


def padding_not_zero(e: Evidence) -> Seen | None:
    """The vector of padding is not zero.

    Symptom
        Row 0 of the embedding table, which stands for "no item", has values other than 0.

    Usual cause
        1. The table was initialised after padding was zeroed, or padding_idx was not given.
        2. Weight decay, tied output weights or a loss over padded places moved it.

    How to confirm
        Print the norm of the row before and after training.

    Remedy
        1. torch.nn.Embedding(items + 1, d, padding_idx=0), and zero the row after initialising.
        2. Leave padded places out of the loss.
    """
    assert e.sequences is not None
    vector = e.sequences.padding_vector
    if vector is None:
        raise NotApplicable("the vector of padding is not known")
    length = float(np.linalg.norm(vector))
    if length == 0:
        return None
    return Seen(
        {"length of the padding vector": length},
        "exactly 0",
        "Empty places speak: short histories are pulled towards a vector that means nothing.",
    )


def padded_right(e: Evidence) -> Seen | None:
    """Sequences are padded on the right.

    Symptom
        Rows end in padding, so the last place, from which the next item is predicted, is empty.

    Usual cause
        1. A padding function whose default side is right (torch's pad_sequence, Keras' "post").

    How to confirm
        Print three rows: the newest item must stand in the last place.

    Remedy
        1. Pad on the left: tastemap.data.batches.left_padded(histories, length).
    """
    assert e.sequences is not None
    inputs = e.sequences.inputs
    short = (inputs == 0).any(axis=1) & (inputs != 0).any(axis=1)
    if not short.any():
        raise NotApplicable("no row is shorter than the padded length")
    right = inputs[short, -1] == 0
    if not right.any():
        return None
    share = float(right.mean())
    return Seen(
        {
            "short rows that end in padding": share,
            "first such row": int(np.flatnonzero(short)[np.argmax(right)]),
        },
        "none: the newest item stands in the last place",
        f"{share:.0%} of the short rows end in padding: the model predicts from an empty place, "
        "and positions mean something else for every length.",
    )


def order_broken(e: Evidence) -> Seen | None:
    """The order of time is broken inside histories.

    Symptom
        Within a row, an event is older than the one before it.

    Usual cause
        1. Rows were sorted by user and item, or shuffled, before they were cut into histories.
        2. Times were sorted as text, or newest first.

    How to confirm
        Print a history with its times.

    Remedy
        1. Sort by user, then time, before cutting: Interactions.histories() does.
    """
    if e.sequences is not None and e.sequences.times is not None:
        times = np.where(e.sequences.inputs == 0, np.nan, e.sequences.times.astype(np.float64))
        fall = np.diff(times, axis=1) < 0
        rows, broken = len(times), fall.any(axis=1)
    elif e.seen is not None and e.seen.time is not None and len(e.seen):
        fall = np.diff(e.seen.time) < 0
        row = np.repeat(np.arange(len(e.seen)), e.seen.lengths)
        broken = np.zeros(len(e.seen), dtype=bool)
        broken[row[1:][fall & (row[1:] == row[:-1])]] = True
        rows = len(e.seen)
    else:
        raise NotApplicable("histories have no times")
    if not broken.any():
        return None
    return Seen(
        {"histories out of order": int(broken.sum()), "of": rows, "first": int(np.argmax(broken))},
        "none",
        f"{broken.mean():.0%} of the histories are not in order of time: the model learns steps "
        "that nobody took, and the last item is not the newest.",
    )


def target_in_input(e: Evidence) -> Seen | None:
    """The target is inside its own input.

    Symptom
        The item to predict is the last item of the input, in nearly every row.

    Usual cause
        1. Inputs and targets are not shifted against each other by one.
        2. Histories shown at evaluation contain the held-out event.

    How to confirm
        Print three inputs with their targets.

    Remedy
        1. inputs = row[:-1], targets = row[1:].
    """
    assert e.sequences is not None
    inputs, targets = e.sequences.inputs, e.sequences.targets
    if targets is None or len(targets) == 0:
        raise NotApplicable("targets are not known")
    last = _last(inputs)
    same = (last == targets) & (targets != 0)
    # Repeats are natural in some logs: how often does an item follow itself inside the inputs?
    pairs = (inputs[:, 1:] != 0) & (inputs[:, :-1] != 0)
    usual = float((inputs[:, 1:] == inputs[:, :-1])[pairs].mean()) if pairs.any() else 0.0
    inside = ((inputs == targets[:, None]) & (targets[:, None] != 0)).any(axis=1)
    again = float(np.mean([len(set(row)) < len(row) for row in map(_items, inputs)]))
    at_end = same.mean() > max(2 * usual, 0.05)
    within = again == 0 and inside.mean() > 0.05
    if not (at_end or within):
        return None
    return Seen(
        {
            "targets that are the last input": float(same.mean()),
            "targets inside the input": float(inside.mean()),
            "an item follows itself": usual,
        },
        "no more often than items repeat in the histories",
        f"{inside.mean():.0%} of the targets stand in their own input: the model learns to copy.",
    )


def _items(row: np.ndarray) -> list[int]:
    return [int(item) for item in row if item]


def _last(inputs: np.ndarray) -> np.ndarray:
    """The last item of each row, 0 for an empty one."""
    filled = inputs != 0
    place = inputs.shape[1] - 1 - np.argmax(filled[:, ::-1], axis=1)
    return np.where(filled.any(axis=1), inputs[np.arange(len(inputs)), place], 0)


RULES = (
    Rule("Q601", "error", padding_not_zero, ("sequences",)),
    Rule("Q602", "error", padded_right, ("sequences",)),
    Rule("Q603", "error", order_broken),
    Rule("Q604", "error", target_in_input, ("sequences",), ("M409",)),
)
