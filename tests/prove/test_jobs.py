"""One job a thing, however often the alarm rings and whoever rings it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from burnish.errors import BurnishError
from burnish.prove.jobs import RETRAIN, close_jobs, last_closed, open_job, open_jobs
from burnish.store.workspace import open_workspace


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(tmp_path / "workspace")


def test_one_job_is_open_until_it_is_closed(workspace):
    job, new = open_job(workspace, RETRAIN, "abc", "drift", "Ada", {"a": 1})
    assert new and job.owner == "Ada" and job.status == "open"
    again, new = open_job(workspace, RETRAIN, "abc", "drift again", "Bob")
    assert not new and again.id == job.id and again.owner == "Ada"
    assert open_job(workspace, RETRAIN, "other", "drift", "Ada")[1]
    with workspace.session() as session:
        assert last_closed(session, "abc") is None
        assert close_jobs(session, "abc", "promoted") == 1 and close_jobs(session, "abc", "x") == 0
        assert [j.key for j in open_jobs(session)] == ["retrain:other"]
        assert last_closed(session, "abc") is not None
    assert open_job(workspace, RETRAIN, "abc", "drift", "Ada")[1]


def test_many_at_once_open_one(workspace):
    workspace.engine  # noqa: B018 (made before the threads)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda k: open_job(workspace, RETRAIN, "abc", f"alarm {k}", "Ada"), range(12)))
    assert sum(new for _, new in found) == 1 and len({job.id for job, _ in found}) == 1


def test_nobody_is_no_owner(workspace):
    with pytest.raises(BurnishError, match="has no owner"):
        open_job(workspace, RETRAIN, "abc", "drift")
