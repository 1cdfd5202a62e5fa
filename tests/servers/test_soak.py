"""The soak of ``tests/soak.py``, for a few seconds."""

import importlib.util
import sys
from pathlib import Path

SOAK = Path(__file__).parent.parent / "soak.py"


def test_soak(monkeypatch):
    """A thousand polls, with all kinds of faults, come out as the model has it."""
    spec = importlib.util.spec_from_file_location("soak", SOAK)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "soak", module)  # where dataclasses look
    spec.loader.exec_module(module)
    report = module.soak(polls=1000, seed=1)
    assert report.problems == [], str(report)
    assert report.polls >= 1000
    assert len(report.kinds) > 100
