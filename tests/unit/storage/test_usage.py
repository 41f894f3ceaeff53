"""How much room everything takes, while it changes."""

import shutil
import threading
from pathlib import Path

from gnomon.storage.settings import StorageSettings
from gnomon.storage.usage import StorageMeter
from tests.opened_storage import open_storage


async def test_folders_that_go_while_they_are_measured_are_passed_over(tmp_path: Path) -> None:
    """Merges delete parts at any moment; measuring goes on."""
    async with open_storage(tmp_path) as opened:
        meter = StorageMeter(opened.engine, StorageSettings(data_dir=tmp_path))
        ended = threading.Event()

        def come_and_go() -> None:
            while not ended.is_set():
                for number in range(50):
                    (tmp_path / "parts" / str(number) / "deep").mkdir(parents=True, exist_ok=True)
                shutil.rmtree(tmp_path / "parts")

        thread = threading.Thread(target=come_and_go)
        thread.start()
        try:
            for _ in range(30):
                assert (await meter.usage()).used_bytes > 0
        finally:
            ended.set()
            thread.join()
