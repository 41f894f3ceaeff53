"""Reading and writing documents of the file store."""

from pathlib import Path
from typing import Any

from examples.agent_platform.tools.steps import Steps


class FilesTool:
    """Read or write one document."""

    def __init__(self, state_dir: Path) -> None:
        """Work in the state folder's files and nowhere else."""
        self._files = state_dir / "files"

    def call(self, arguments: dict[str, Any], steps: Steps) -> dict[str, Any]:
        """Do `action` (read or write) on `document`; raises what the file system raises."""
        path = self._files / str(arguments["document"])
        if path.parent != self._files:
            message = f"Document outside the file store: {arguments['document']!r}."
            raise PermissionError(message)
        if arguments["action"] == "write":
            text = str(arguments["text"])
            with steps.step("write file", file_path=path.name, file_size=len(text)):
                path.write_text(text, encoding="utf-8")
            return {"characters": len(text)}
        with steps.step("read file", file_path=path.name) as attributes:
            text = path.read_text(encoding="utf-8")
            attributes["file.size"] = len(text)
        return {"text": text[: int(arguments.get("limit", 4000))], "characters": len(text)}
