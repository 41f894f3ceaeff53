"""Files make room in time, and no line is lost on the way, whoever writes."""

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gnomon.sdk.logs import RotatingFile, RotationSettings


def _lines(directory: Path) -> list[str]:
    files = sorted(path for path in directory.iterdir() if path.suffix != ".lock")
    return [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]


def _write(path: Path, writer: int, count: int, max_bytes: int) -> None:
    file = RotatingFile(path, RotationSettings(max_bytes=max_bytes, keep=1000))
    for number in range(count):
        file.write(f"{writer}-{number:05d}\n".encode())
    file.close()


def test_a_file_is_rotated_at_its_size_and_only_so_many_are_kept(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "app.log", RotationSettings(max_bytes=100, keep=2))
    for number in range(50):
        file.write(f"line {number:04d}\n".encode())
    file.close()

    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["app.log", "app.log.1", "app.log.2", "app.log.lock"]
    assert (tmp_path / "app.log.1").read_text(encoding="utf-8").splitlines() == [f"line {n:04d}" for n in range(40, 50)]
    assert (tmp_path / "app.log.2").stat().st_size == 100


def test_a_file_is_rotated_with_the_hour_that_it_began_in(tmp_path: Path) -> None:
    now = [3600.0 * 10]
    file = RotatingFile(tmp_path / "logs" / "app.log", RotationSettings(every="hour"), lambda: now[0])
    file.write(b"ten\n")
    now[0] += 3599
    file.write(b"still ten\n")
    now[0] += 1
    file.write(b"eleven\n")
    file.close()

    assert (tmp_path / "logs" / "app.log.1").read_text(encoding="utf-8") == "ten\nstill ten\n"
    assert (tmp_path / "logs" / "app.log").read_text(encoding="utf-8") == "eleven\n"


def test_a_file_of_an_earlier_day_is_rotated_at_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("yesterday\n", encoding="utf-8")
    os.utime(path, (86_400 * 5 - 1, 86_400 * 5 - 1))

    file = RotatingFile(path, RotationSettings(every="day"), lambda: 86_400.0 * 5)
    file.write(b"today\n")
    file.close()

    assert path.read_text(encoding="utf-8") == "today\n"


def test_a_file_that_was_moved_away_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    file = RotatingFile(path, RotationSettings())
    file.write(b"first\n")
    path.rename(tmp_path / "taken.log")
    file._look_at = 0  # as a second later
    file.write(b"second\n")
    file.close()

    assert path.read_text(encoding="utf-8") == "second\n"


def test_threads_lose_no_line(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "app.log", RotationSettings(max_bytes=2_000, keep=1000))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: file.write(f"{number:05d}\n".encode()), range(3000)))
    file.close()

    assert sorted(_lines(tmp_path)) == [f"{number:05d}" for number in range(3000)]


def test_processes_lose_no_line(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write, args=(tmp_path / "app.log", n, 1500, 3_000)) for n in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0, 0]
    assert sorted(_lines(tmp_path)) == [f"{n}-{line:05d}" for n in range(2) for line in range(1500)]
    assert len(list(tmp_path.iterdir())) > 5
