"""The wheel carries the UI, or is not built."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

from hatch_build import UIBuildHook

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is missing: no build of the UI was tested")


def make_project(folder: Path, build: str = "true") -> Path:
    """Return a project whose UI depends on nothing and is built by the shell command `build`."""
    package = {"name": "ui", "version": "1.0.0", "private": True, "scripts": {"build": build}}
    lock = {
        "name": "ui",
        "version": "1.0.0",
        "lockfileVersion": 3,
        "packages": {"": {"name": "ui", "version": "1.0.0"}},
    }
    (folder / "ui").mkdir()
    (folder / "ui" / "package.json").write_text(json.dumps(package), encoding="utf-8")
    (folder / "ui" / "package-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    return folder


def make_hook(project: Path, target: str = "wheel") -> UIBuildHook:
    metadata: ProjectMetadata[Any] = ProjectMetadata(str(project), PluginManager(), {"project": {"name": "gnomon"}})
    return UIBuildHook(str(project), {}, None, metadata, str(project / "dist"), target)


def test_a_wheel_without_npm_is_refused_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(RuntimeError, match=r"npm is missing.*Install Node\.js 20"):
        make_hook(make_project(tmp_path)).initialize("standard", {})


@needs_npm
def test_the_page_is_built_for_a_wheel(tmp_path: Path) -> None:
    static = tmp_path / "src" / "gnomon" / "web" / "static"
    project = make_project(tmp_path, build=f"mkdir -p {static} && echo built > {static}/index.html")

    make_hook(project).initialize("standard", {})

    assert (static / "index.html").read_text(encoding="utf-8") == "built\n"


@needs_npm
def test_a_build_that_leaves_no_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"left no src/gnomon/web/static/index\.html"):
        make_hook(make_project(tmp_path)).initialize("standard", {})


@pytest.mark.parametrize(("target", "version"), [("sdist", "standard"), ("wheel", "editable")])
def test_nothing_is_built_for_what_carries_no_page(
    target: str, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")

    make_hook(make_project(tmp_path), target).initialize(version, {})
