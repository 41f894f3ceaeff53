import subprocess
import sys

import pytest

import gnomon

BLOCKED = (
    "chdb", "clickhouse_connect", "fastapi", "starlette", "uvicorn", "sqlalchemy", "numpy", "pyarrow", "orjson",
    "typer", "rich", "httpx", "grpc", "psutil", "yaml", "re2", "cramjam", "alembic", "aiosqlite", "uvloop",
    "httptools", "xxhash", "genai_prices",
)  # fmt: skip


def test_every_public_name_exists_and_the_list_is_sorted() -> None:
    assert gnomon.__all__ == sorted(gnomon.__all__)
    for name in gnomon.__all__:
        assert getattr(gnomon, name) is not None
    assert set(gnomon.__all__) <= set(dir(gnomon))


def test_an_unknown_name_is_refused_as_any_module_refuses_it() -> None:
    with pytest.raises(AttributeError, match="no attribute 'taks'"):
        gnomon.taks  # noqa: B018


def test_importing_gnomon_imports_nothing_that_is_not_used() -> None:
    heavy = ("opentelemetry", "structlog", "prometheus_client", "importlib.metadata")
    code = f"import sys, gnomon; print([name for name in sys.modules if name.startswith({heavy!r})])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_sdk_runs_without_the_server_extra() -> None:
    code = f"""
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {BLOCKED!r}:
            raise ImportError(f"{{name}} is blocked")
sys.meta_path.insert(0, Blocker())
import gnomon
gnomon.setup(service="lean", endpoint="")
for name in gnomon.__all__:
    getattr(gnomon, name)
@gnomon.task("t")
def work():
    with gnomon.agent("a"), gnomon.tool("x"), gnomon.llm_call("m", provider="p") as call:
        call.usage(1, 2)
work()
assert b"tasks_total" in gnomon.render_metrics()[0]
gnomon.shutdown()
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "could not" not in answer.stderr
