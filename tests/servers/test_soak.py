"""The soak of ``tests/soak.py``, for a few seconds."""

from soak import soak


def test_soak():
    """A thousand polls with all kinds of faults go as the model says."""
    report = soak(polls=1000, seed=1)
    assert report.problems == [], str(report)
    assert report.polls >= 1000
    assert len(report.kinds) > 100
