"""Logs as files: healthy ones, and ways to soil them."""

import csv

import numpy as np

START = 1_700_000_000
HEADER = ("user_id", "item_id", "rating", "timestamp")


def healthy(users=60, items=40, per_user=15, seed=0, ratings=False):
    """Rows (user, item, weight, time) of people with some taste, no pair twice, oldest first."""
    rng = np.random.default_rng(seed)
    fame = 1 / (np.arange(items) + 5.0)
    rows = []
    for user in range(users):
        n = int(rng.integers(per_user // 2, per_user + per_user // 2 + 1))
        taken = rng.choice(items, size=min(n, items), replace=False, p=fame / fame.sum())
        times = START + rng.integers(0, 200 * 86_400, len(taken))
        for item, time in zip(taken.tolist(), times.tolist(), strict=True):
            weight = int(rng.choice([1, 2, 3, 4, 5], p=[0.05, 0.1, 0.25, 0.35, 0.25]))
            rows.append((f"u{user:03}", f"i{item:03}", weight if ratings else 1, time))
    return sorted(rows, key=lambda row: row[3])


def write(path, rows, header=HEADER, delimiter=","):
    """Write rows as a CSV file, columns cut to the header's length; returns the path."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(row[: len(header)] for row in rows)
    return path


def found(checkup, code):
    """The finding with this code among everything found, symptoms included, or None."""
    outcome = next(o for o in checkup.diagnosis.outcomes if o.code == code)
    assert outcome.state != "crashed", outcome.reason
    return outcome.finding


def severities(checkup):
    """{code: severity} of everything that was found; no rule may have crashed."""
    crashed = [o for o in checkup.diagnosis.outcomes if o.state == "crashed"]
    assert not crashed, crashed
    return {o.code: o.finding.severity for o in checkup.diagnosis.outcomes if o.finding}
