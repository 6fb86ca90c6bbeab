"""The catalogue: every rule about runs, in the order of the codes.

To add one: a function Evidence -> Seen | None with the four sections in its docstring, its line
in the RULES of its module, and a factory in tests/sick.py that really breaks a run.
"""

from tastemap.diagnosis import (
    curves,
    growth,
    lists,
    order,
    reference,
    scores,
    sequences,
    splits,
    training,
    truth,
    tuning,
    users,
    values,
    vectors,
    yardsticks,
)
from tastemap.diagnosis.finding import Rule

MODULES = (
    splits,
    order,
    growth,
    lists,
    truth,
    values,
    users,
    scores,
    reference,
    yardsticks,
    training,
    curves,
    tuning,
    vectors,
    sequences,
)

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (rule for module in MODULES for rule in module.RULES),
        key=lambda rule: ("SEMVQ".index(rule.code[0]), rule.code),
    )
)
