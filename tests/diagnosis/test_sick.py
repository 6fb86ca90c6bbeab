"""Every disease is found by its rule, and no healthy run is called sick."""

import pytest

from sick import DISEASES, HEALTHY
from tastemap import diagnose


@pytest.mark.parametrize("case", DISEASES, ids=lambda case: case.name)
def test_a_disease_is_found_by_its_rule(case):
    diagnosis = diagnose(case.make())
    assert case.expects[0] in diagnosis.codes, diagnosis
    assert not [o for o in diagnosis.outcomes if o.state == "crashed"]


@pytest.mark.parametrize("case", HEALTHY, ids=lambda case: case.name)
def test_a_healthy_run_is_not_called_sick(case):
    diagnosis = diagnose(case.make())
    assert [o.code for o in diagnosis.outcomes if o.state == "crashed"] == []
    assert [f"{f.code}: {f.means}" for f in diagnosis if f.severity != "tip"] == []
