"""The rules in the documentation pass the unit tests in the documentation."""

import re
from pathlib import Path

from gnomon.alerting.rule_tests import run_rule_tests

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "recording-rules.md"


async def test_documented_rules_pass_their_documented_tests(tmp_path: Path) -> None:
    files = dict(re.findall(r"```yaml\n# rules/(\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert set(files) == {"http.yml", "http_test.yml"}
    assert (await run_rule_tests(tmp_path / "http_test.yml")).faults == ()
