"""Do something when a module is imported, at once where it is already: nothing is imported on the SDK's account."""

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

from gnomon.sdk.faults import note

Callback = Callable[[ModuleType], None]


def when_imported(name: str, callback: Callback) -> Callable[[], None]:
    """Call `callback` with the module, now or after its import; return what makes it forget."""
    module = sys.modules.get(name)
    if module is not None:
        callback(module)
        return lambda: None
    _finder.waiting.setdefault(name, []).append(callback)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)

    def forget() -> None:
        waiting = _finder.waiting.get(name, [])
        if callback in waiting:
            waiting.remove(callback)

    return forget


class _Finder(MetaPathFinder):
    """Let the other finders find, and put a notifying loader around what they found."""

    def __init__(self) -> None:
        self.waiting: dict[str, list[Callback]] = {}
        self._busy: set[str] = set()

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the interface's
        target: ModuleType | None = None,  # noqa: ARG002 - as above
    ) -> ModuleSpec | None:
        if not self.waiting.get(fullname) or fullname in self._busy:
            return None
        self._busy.add(fullname)
        try:
            spec = find_spec(fullname)
        finally:
            self._busy.discard(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Notifying(spec.loader, self.waiting)
        return spec


class _Notifying(Loader):
    """Load as the real loader does, then tell those who wait."""

    def __init__(self, loader: Loader, waiting: dict[str, list[Callback]]) -> None:
        self._loader = loader
        self._waiting = waiting

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        for callback in self._waiting.pop(module.__name__, []):
            try:
                callback(module)
            except Exception as error:  # noqa: BLE001 - the import is the host's, and it succeeded
                note(f"act on the import of {module.__name__}", error)


_finder = _Finder()
