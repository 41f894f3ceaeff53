"""Submissions become tasks, or an error that says what to change."""

import pytest

from examples.agent_platform.tasks import InvalidTaskError, Task


def test_a_submission_becomes_a_task() -> None:
    submission = {
        "type": "calculate",
        "arguments": {"expression": "1"},
        "priority": 3,
        "tenant_id": "a",
        "session_id": "s",
    }
    assert Task.from_json("id-1", submission) == Task("id-1", "calculate", {"expression": "1"}, 3, "a", "s")


@pytest.mark.parametrize(
    ("submission", "complaint"),
    [
        ([], "JSON object"),
        ({"type": "answr"}, "'answr'"),
        ({"type": "answer", "arguments": {}}, "'question'"),
        ({"type": "report", "arguments": {"topics": "one"}}, "list"),
        ({"type": "calculate", "arguments": {"expression": "1"}, "priority": 10}, "0 to 9"),
    ],
)
def test_what_is_no_task_is_refused(submission: object, complaint: str) -> None:
    with pytest.raises(InvalidTaskError, match=complaint):
        Task.from_json("id-1", submission)
